// Containers: `npm run test:compose` brings docker-compose.yml up, scales it and kills parts of it. Needs Docker.
import type { Config } from "jest";
import base from "./jest.config.ts";

const config: Config = {
  ...base,
  testMatch: ["<rootDir>/test/compose/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 600_000,
  maxWorkers: 1,
};

export default config;
