// What the configurations of tests in several projects have in common.
import base from "./jest.config.ts";

const { maxWorkers: _, testTimeout: __, ...own } = base;

/** @param ignored paths of files that belong to another project */
export const projectDefaults = (ignored: readonly string[] = []) => ({
  ...own,
  testPathIgnorePatterns: ["/node_modules/", ...ignored],
});

/** Names of test files of a folder of test/ to what jest matches. */
export const filesOf =
  (folder: string) =>
  (...names: readonly string[]): string[] =>
    names.map(name => `<rootDir>/test/${folder}/${name}.test.ts`);

/** One file after the other. */
export const serial = { runner: "<rootDir>/test/support/serial-runner.ts" };

/** One NATS, MongoDB and Kafka for all files of the project. */
export const onSharedServers = {
  globalSetup: "<rootDir>/test/support/shared-servers.ts",
  globalTeardown: "<rootDir>/test/support/stop-shared-servers.ts",
};
