// The administrator's first password: made once, kept beside the databases, readable by the owner only.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
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

/** Complete or not there, also after a power cut. @param isFirst then a file that is there by now stays as it is. */
function writeCredentials(data: string, credentials: Credentials, isFirst: boolean): void {
  const file = credentialsFile(data);
  const draftFile = `${file}.${String(process.pid)}.tmp`;
  const draft = openSync(draftFile, "w", 0o600);
  writeSync(draft, `${JSON.stringify(credentials, null, 2)}\n`);
  fsyncSync(draft);
  closeSync(draft);
  if (isFirst) linkIfFree(draftFile, file);
  else renameSync(draftFile, file);
  const folder = openSync(data, "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** Of two nodes on one folder that start at the same moment, one makes the password and the other takes it. */
function linkIfFree(draftFile: string, file: string): void {
  try {
    linkSync(draftFile, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    unlinkSync(draftFile);
  }
}

function keep(data: string, credentials: Credentials, isFirst: boolean): void {
  try {
    writeCredentials(data, credentials, isFirst);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`${credentialsFile(data)} cannot be written: ${reason}`, { cause: error });
  }
}

const withAdmin = (config: Config, admin: Credentials): Config => ({
  ...config,
  admin: config.mode === "cluster" ? { ...admin, isDrawn: true } : admin,
});

/** The configuration with an admin password in any case, and whether it was made just now. */
export function resolveAdmin(config: Config): { config: Config; made: boolean } {
  const { email, password } = config.admin;
  if (password !== null) return { config, made: false };
  const kept = readCredentials(config.data);
  if (kept === undefined) {
    const drawn = { email, password: randomBytes(18).toString("base64url") };
    keep(config.data, drawn, true);
    const admin = readCredentials(config.data) ?? drawn;
    return { config: withAdmin(config, admin), made: admin.password === drawn.password };
  }
  const admin = { email, password: kept.password };
  if (kept.email !== email) keep(config.data, admin, false);
  return { config: withAdmin(config, admin), made: false };
}
