// `npm run load` as a child of a test.
import { spawn } from "node:child_process";
import { ADMIN } from "../../scripts/support/shop.ts";
import { ROOT } from "./shop-process.ts";

interface LoadOptions {
  readonly url: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** k6 yields to the shop: on one machine it would else measure itself. */
export function spawnLoad({ url, args, env = {} }: LoadOptions) {
  return spawn("nice", ["-n", "10", process.execPath, "scripts/load/main.ts", ...args, "--url", url], {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      COMPTOIR_ADMIN_EMAIL: ADMIN.email,
      COMPTOIR_ADMIN_PASSWORD: ADMIN.password,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
