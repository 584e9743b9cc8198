// Real processes, real ports, real signals: `npm run test:system`.
import type { Config } from "jest";
import base from "./jest.config.ts";

const config: Config = {
  ...base,
  testMatch: ["<rootDir>/test/system/**/*.test.ts"],
  // Ratios of speed are for a quiet machine: npm run test:soak.
  testPathIgnorePatterns: ["/node_modules/", ...(process.env["SOAK"] === "1" ? [] : ["/system/overload.test.ts"])],
  testTimeout: 120_000,
  maxWorkers: 1,
};

export default config;
