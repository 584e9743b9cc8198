// The data folder: there, writable, and ours alone.
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartupError } from "./startup-error.ts";

const SQLITE_BUSY = 5;
/** Holds what a restore has not moved into place yet: until it is gone the databases are of two shops. */
export const RESTORING = "restoring";

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Another process holds the folder. */
export class FolderInUseError extends StartupError {}

/** One by one from the first that is missing: Node's own recursive mkdir never returns under /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** @throws StartupError when it cannot be written. */
export function prepareDataFolder(folder: string): void {
  try {
    makeFolder(folder);
    if (!statSync(folder).isDirectory()) throw new Error("it is not a folder");
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartupError(
      `the data folder ${folder} cannot be written (${reasonOf(error)}): fix its permissions or set COMPTOIR_DATA`,
    );
  }
}

/** @throws StartupError when a restore was interrupted while it moved the databases into place. */
export function requireRestored(folder: string): void {
  if (existsSync(join(folder, RESTORING)))
    throw new StartupError(`a restore into ${folder} was interrupted: run npm run restore again`);
}

/**
 * Holds the folder for this process until `release` or the process ends, however it ends: the operating system drops
 * SQLite's file lock with the process, so a restart after kill -9 waits for nothing.
 * @throws StartupError when another process holds it, or it cannot be written.
 */
export function holdDataFolder(folder: string): { readonly release: () => void } {
  prepareDataFolder(folder);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, "comptoir.lock"));
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    const busy = error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
    if (!busy) throw new StartupError(`the lock file in ${folder} cannot be opened (${reasonOf(error)})`);
    throw new FolderInUseError(
      `the data folder ${folder} is in use by another Comptoir: stop that one, or set COMPTOIR_DATA to another folder`,
    );
  }
  const held = lock;
  return {
    release: () => {
      held.close();
    },
  };
}
