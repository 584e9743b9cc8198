// Real processes, real ports, real signals: `npm run test:system`.
import type { Config } from "jest";
import base from "./jest.config.ts";

const { maxWorkers: _, testTimeout: __, ...shared } = base;
const fileOf = (name: string): string => `<rootDir>/test/system/${name}.test.ts`;

/** They keep both cores busy all the time, or count seconds while much goes on. */
const alone = ["cluster", "life", "deliveries", "import", "orders", "process", "dashboards", "overload"].map(fileOf);
/** Ratios of speed are for a quiet machine: npm run test:soak. */
const soak = process.env["SOAK"] === "1" ? [] : [fileOf("overload")];

const config: Config = {
  maxWorkers: 2,
  testSequencer: "<rootDir>/test/support/longest-first.ts",
  // jest takes this from here only; a project's own is accepted and ignored.
  testTimeout: 120_000,
  projects: [
    {
      ...shared,
      displayName: "alone",
      testMatch: alone,
      testPathIgnorePatterns: ["/node_modules/", ...soak],
      runner: "<rootDir>/test/support/serial-runner.ts",
    },
    {
      ...shared,
      displayName: "beside each other",
      testMatch: [fileOf("*")],
      testPathIgnorePatterns: ["/node_modules/", ...alone],
    },
  ],
};

export default config;
