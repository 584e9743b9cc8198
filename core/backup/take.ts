// Takes a backup of embedded databases: all files as they were at one moment, which is the state a kill -9 at that moment leaves.
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as pause } from "node:timers/promises";
import { credentialsFile } from "../admin-credentials.ts";
import { timestamp, type Clock } from "../kernel/clock.ts";
import { StartupError } from "../startup-error.ts";
import type { FrozenFile } from "../store/sqlite-freeze.ts";
import { openFilesIn } from "../store/sqlite-file.ts";
import { copyFile, requireRoom, syncFolder, type Source } from "./copy.ts";
import { checkIntegrity } from "./integrity.ts";
import { bytesOf, FORMAT, MANIFEST, type FileRecord, type Manifest } from "./manifest.ts";

export interface TakeOptions {
  /** This process holds it (core/data-folder.ts). */
  readonly data: string;
  /** Made by this; it appears under its name once it is whole. */
  readonly target: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** A folder of this ending is one that did not get finished. */
export const UNFINISHED = ".partial";

/** Brings a database that nobody has open into its one file. */
function settle(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("pragma locking_mode = exclusive; pragma wal_checkpoint(truncate)");
  } catch (error) {
    throw new StartupError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    database.close();
  }
}

async function restingFiles(data: string, open: ReadonlySet<string>): Promise<Source[]> {
  const names = (await readdir(data)).filter(name => name.endsWith(".sqlite"));
  const paths = names.map(name => join(data, name)).filter(path => !open.has(path));
  for (const path of paths) settle(path);
  const besides = [credentialsFile(data)].filter(existsSync);
  return Promise.all([...paths, ...besides].map(async path => ({ path, bytes: (await stat(path)).size })));
}

/** Smallest first: what is copied is released, and its log stops growing. */
async function copyFrozen(files: readonly FrozenFile[], into: string, signal?: AbortSignal): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for (const file of files.toSorted((a, b) => a.bytes - b.bytes)) {
    records.push(await copyFile(file, join(into, basename(file.path)), signal));
    if (!file.isStill()) throw new StartupError("the shop stopped while it was copied: nothing was kept");
    file.release();
  }
  return records;
}

async function copyAll({ data, clock, signal }: TakeOptions, into: string): Promise<Manifest> {
  const open = openFilesIn(data);
  const resting = await restingFiles(data, new Set(open.map(({ path }) => path)));
  if (open.length === 0 && !resting.some(({ path }) => path.endsWith(".sqlite")))
    throw new StartupError(`${data} holds no databases: there is nothing to back up`);
  // One by one, so that what is left for the one moment is little.
  for (const file of open) {
    file.checkpoint();
    await pause();
  }
  const frozen: FrozenFile[] = [];
  try {
    for (const file of open) frozen.push(file.freeze());
    const takenAt = timestamp(clock.now());
    await requireRoom(into, bytesOf({ files: [...frozen, ...resting] }));
    const files = await copyFrozen(frozen, into, signal);
    for (const source of resting) files.push(await copyFile(source, join(into, basename(source.path)), signal));
    return { format: FORMAT, mode: "embedded", takenAt, files };
  } finally {
    for (const file of frozen) file.release();
  }
}

/** @throws StartupError; then nothing is left under the target's name */
export async function takeBackup(options: TakeOptions): Promise<Manifest> {
  const { target, signal } = options;
  const partial = `${target}${UNFINISHED}`;
  if (existsSync(target)) throw new StartupError(`${target} exists already: name another folder`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    const manifest = await copyAll(options, partial);
    const databases = manifest.files.filter(({ name }) => name.endsWith(".sqlite"));
    await checkIntegrity(
      databases.map(({ name }) => join(partial, name)),
      signal,
    );
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
    await syncFolder(partial);
    await rename(partial, target);
    await syncFolder(dirname(target));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
