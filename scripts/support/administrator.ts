// What every tool does that works on a running shop as its administrator: finds it, logs in, and ends on Ctrl-C.
import { InvalidArgumentError } from "commander";
import { readCredentials } from "../../core/admin-credentials.ts";
import type { ImportConfig } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { openShop, type Shop } from "../import/client.ts";

/** By convention 128 + SIGINT. */
export const INTERRUPTED = 130;

interface Connection {
  /** Where the settings do not say it. */
  readonly url: string | undefined;
  readonly connections: number;
  readonly signal: AbortSignal;
}

/** @throws StartupError without a password */
export function administratorOf({ admin, data }: ImportConfig): { email: string; password: string } {
  const { email, password } = admin.password === null ? (readCredentials(data) ?? admin) : admin;
  if (password !== null) return { email, password };
  throw new StartupError(
    "no administrator's password: set COMPTOIR_ADMIN_PASSWORD, or COMPTOIR_DATA to the shop's folder",
  );
}

/** @throws StartupError without a password; ShopError when the shop does not answer or refuses it */
export async function connect(settings: ImportConfig, { url, connections, signal }: Connection): Promise<Shop> {
  return openShop({ url: url ?? settings.url, ...administratorOf(settings), connections, signal });
}

/** An option's value, for commander. */
export function shopUrl(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ""))
    throw new InvalidArgumentError("It must be http://HOST:PORT.");
  return text;
}

/** npm hands on the Ctrl-C that the terminal has sent already: only the first one counts. */
export function interruptible(): AbortController {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      controller.abort();
    });
  }
  return controller;
}
