// npm run events, as an operator runs it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { ADMIN } from "../../scripts/support/node-process.ts";

const script = join(import.meta.dirname, "..", "..", "scripts", "events", "main.ts");

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

export function runEvents(url: string, ...args: string[]): Promise<Ended> {
  const env = { ...process.env, COMPTOIR_ADMIN_EMAIL: ADMIN.email, COMPTOIR_ADMIN_PASSWORD: ADMIN.password };
  return new Promise(resolve => {
    execFile(process.execPath, [script, "--url", url, ...args], { env }, (error, out, said) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, said });
    });
  });
}
