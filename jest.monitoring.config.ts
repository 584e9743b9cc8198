// What watches the shop, asked of a real Prometheus and of receivers of traces: `npm run test:monitoring`.
import type { Config } from "jest";
import base from "./jest.config.ts";

const config: Config = {
  ...base,
  globalSetup: "<rootDir>/test/support/shared-servers.ts",
  globalTeardown: "<rootDir>/test/support/stop-shared-servers.ts",
  testMatch: ["<rootDir>/test/monitoring/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 120_000,
};

export default config;
