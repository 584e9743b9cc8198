// Real processes, real ports, real signals: `npm run test:system`.
import type { Config } from "jest";
import base from "./jest.config.ts";

const { maxWorkers: _, testTimeout: __, ...own } = base;
const ignored = "/node_modules/";
const shared = { ...own, testPathIgnorePatterns: [ignored] };
const filesOf = (names: readonly string[]): string[] => names.map(name => `<rootDir>/test/system/${name}.test.ts`);

/** They keep both cores busy all the time, or count seconds while much goes on. */
const alone = filesOf(["cluster", "life", "deliveries", "upgrade"]);
const aloneOnTheirOwn = filesOf(["backup", "orders"]);
/** Ratios of speed are for a quiet machine, without other servers: npm run test:soak. */
const measured = filesOf(["overload"]);
/** They neither end nor break the servers that they are given. */
const beside = filesOf(["backup-cluster", "bridge-cluster", "kafka-log", "mongo", "mongo-races", "repl"]);

const serial = { runner: "<rootDir>/test/support/serial-runner.ts" };
const onSharedServers = {
  globalSetup: "<rootDir>/test/support/shared-servers.ts",
  globalTeardown: "<rootDir>/test/support/stop-shared-servers.ts",
};

const config: Config = {
  // Many of those that run beside each other mostly wait, for what was killed or frozen.
  maxWorkers: 3,
  testSequencer: "<rootDir>/test/support/longest-first.ts",
  // jest takes this from here only; a project's own is accepted and ignored.
  testTimeout: 120_000,
  projects: [
    { ...shared, ...serial, ...onSharedServers, displayName: "alone", testMatch: alone },
    { ...shared, ...serial, displayName: "alone, on their own", testMatch: aloneOnTheirOwn },
    { ...shared, ...onSharedServers, displayName: "beside each other, on shared servers", testMatch: beside },
    {
      ...shared,
      displayName: "beside each other",
      testMatch: filesOf(["*"]),
      testPathIgnorePatterns: [ignored, ...alone, ...aloneOnTheirOwn, ...beside, ...measured],
    },
    {
      ...shared,
      ...serial,
      displayName: "measured",
      testMatch: measured,
      testPathIgnorePatterns: [ignored, ...(process.env["SOAK"] === "1" ? [] : measured)],
    },
  ],
};

export default config;
