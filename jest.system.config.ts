// Real processes, real ports, real signals: `npm run test:system`.
import type { Config } from "jest";
import base from "./jest.config.ts";

const config: Config = {
  ...base,
  testMatch: ["<rootDir>/test/system/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 120_000,
  maxWorkers: 1,
};

export default config;
