import type { Config } from "jest";

const config: Config = {
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2024", parser: { syntax: "typescript" } }, module: { type: "es6" } },
    ],
  },
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: [
    "/node_modules/",
    "<rootDir>/test/embedded/",
    "<rootDir>/test/system/",
    "<rootDir>/test/monitoring/",
    "<rootDir>/test/compose/",
  ],
  testTimeout: 30_000,
  maxWorkers: 2,
};

export default config;
