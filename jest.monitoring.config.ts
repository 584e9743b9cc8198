// What watches the shop, asked of a real Prometheus and of receivers of traces: `npm run test:monitoring`.
import type { Config } from "jest";
import base from "./jest.config.ts";
import { filesOf, onSharedServers } from "./jest.shared.ts";

const config: Config = {
  ...base,
  ...onSharedServers,
  testMatch: filesOf("monitoring")("*"),
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 120_000,
};

export default config;
