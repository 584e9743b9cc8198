// The administrator's first password: made once, kept beside the databases, readable by the owner only.
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { StartupError } from "./startup-error.ts";

interface Credentials {
  readonly email: string;
  readonly password: string;
}

export const credentialsFile = (data: string): string => join(data, "admin-credentials.json");

/** @throws StartupError when the file is there but is not ours; undefined when there is none. */
export function readCredentials(data: string): Credentials | undefined {
  const file = credentialsFile(data);
  if (!existsSync(file)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new StartupError(`${file} cannot be read: restore it, or set COMPTOIR_ADMIN_PASSWORD`);
  }
  const { email, password } = (parsed ?? {}) as Partial<Credentials>;
  if (typeof email === "string" && typeof password === "string" && password !== "") return { email, password };
  throw new StartupError(`${file} holds no email and password: restore it, or set COMPTOIR_ADMIN_PASSWORD`);
}

/** Complete or not there, also after a power cut. */
function writeCredentials(data: string, credentials: Credentials): void {
  const file = credentialsFile(data);
  const draft = openSync(`${file}.tmp`, "w", 0o600);
  writeSync(draft, `${JSON.stringify(credentials, null, 2)}\n`);
  fsyncSync(draft);
  closeSync(draft);
  renameSync(`${file}.tmp`, file);
  const folder = openSync(data, "r");
  fsyncSync(folder);
  closeSync(folder);
}

function keep(data: string, credentials: Credentials): void {
  try {
    writeCredentials(data, credentials);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`${credentialsFile(data)} cannot be written: ${reason}`, { cause: error });
  }
}

export type ResolvedConfig = Config & { readonly admin: Credentials };

/** The configuration with an admin password in any case, and whether it was made just now. */
export function resolveAdmin(config: Config): { config: ResolvedConfig; made: boolean } {
  const { email, password } = config.admin;
  if (password !== null) return { config: { ...config, admin: { email, password } }, made: false };
  const kept = readCredentials(config.data);
  const admin = { email, password: kept?.password ?? randomBytes(18).toString("base64url") };
  if (kept?.email !== email) keep(config.data, admin);
  return { config: { ...config, admin }, made: kept === undefined };
}
