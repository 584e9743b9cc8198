// The shop in one process, as `npm start` runs it: real processes, real ports, real signals. `npm run test:embedded`.
import type { Config } from "jest";
import { filesOf, projectDefaults, serial } from "./jest.shared.ts";

const files = filesOf("embedded");
/** They keep both cores busy all the time, or count seconds while much goes on. */
const alone = files("backup", "orders");
/** Ratios of speed are for a quiet machine, without anything else: npm run test:soak. */
const measured = files("overload");

const config: Config = {
  maxWorkers: 2,
  testSequencer: "<rootDir>/test/support/longest-first.ts",
  // jest takes this from here only; a project's own is accepted and ignored.
  testTimeout: 120_000,
  projects: [
    { ...projectDefaults(), ...serial, displayName: "alone", testMatch: alone },
    {
      ...projectDefaults([...alone, ...measured]),
      displayName: "beside each other",
      testMatch: files("*"),
    },
    {
      ...projectDefaults(process.env["SOAK"] === "1" ? [] : measured),
      ...serial,
      displayName: "measured",
      testMatch: measured,
    },
  ],
};

export default config;
