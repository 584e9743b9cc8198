// The cluster on real servers, as real processes: `npm run test:system`.
import type { Config } from "jest";
import { filesOf, onSharedServers, projectDefaults, serial } from "./jest.shared.ts";

const files = filesOf("system");
/** They keep both cores busy all the time, or count seconds while much goes on. */
const alone = files("outages", "cluster", "life", "deliveries", "upgrade");
/** They neither end nor break the servers that they are given. */
const beside = files("backup-cluster", "bridge-cluster", "kafka-log", "mongo", "mongo-races", "repl");

const config: Config = {
  // Of those that run beside each other many mostly wait, for what was killed or frozen.
  maxWorkers: 3,
  testSequencer: "<rootDir>/test/support/longest-first.ts",
  // jest takes this from here only; a project's own is accepted and ignored.
  testTimeout: 120_000,
  projects: [
    { ...projectDefaults(), ...serial, ...onSharedServers, displayName: "alone", testMatch: alone },
    {
      ...projectDefaults(),
      ...onSharedServers,
      displayName: "beside each other, on shared servers",
      testMatch: beside,
    },
    {
      ...projectDefaults([...alone, ...beside]),
      displayName: "beside each other",
      testMatch: files("*"),
    },
  ],
};

export default config;
