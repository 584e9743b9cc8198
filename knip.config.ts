// What nobody uses is an error.
import type { KnipConfig } from "knip";

const config: KnipConfig = {
  // core/node.ts imports the services by their names.
  // Tests and benchmarks start the others as processes of their own.
  entry: [
    "services/*/*.service.ts",
    // k6 runs them.
    "load/*.ts",
    "scripts/bench/rpc-worker.ts",
    "scripts/docker/images/*/server.ts",
    "test/support/acknowledging-writer.ts",
    "test/support/bridge-process.ts",
    "test/support/servers-owner.ts",
    "test/embedded/stage-rows.ts",
  ],
  project: ["core/**/*.ts", "services/**/*.ts", "scripts/**/*.ts", "test/**/*.ts", "load/**/*.ts", "*.ts"],
  jest: {
    config: ["jest.config.ts", "jest.{embedded,system,monitoring,compose}.config.ts"],
    entry: ["test/**/*.test.ts"],
  },
  // k6 brings its own modules.
  ignoreDependencies: ["k6"],
  // A schema and its type carry one name.
  ignoreExportsUsedInFile: true,
};

export default config;
