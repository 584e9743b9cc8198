// Puts a backup back into a data folder: copied and checked beside what is there, then moved into place. An interruption before
// the move changes nothing; one during it keeps the shop from starting until it is run again (core/data-folder.ts).
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RESTORING } from "../data-folder.ts";
import { StartupError } from "../startup-error.ts";
import { copyFile, requireRoom, syncFolder } from "./copy.ts";
import { checkIntegrity } from "./integrity.ts";
import { bytesOf, checkFiles, MANIFEST, readManifest, type FileRecord, type Manifest } from "./manifest.ts";
import { UNFINISHED } from "./take.ts";

export interface RestoreOptions {
  readonly backup: string;
  /** This process holds it. */
  readonly data: string;
  /** Where databases that are there go: no such folder yet, or what is in it would be overwritten. */
  readonly aside: string;
  /** Move them there; else they are not touched, unless an interrupted restore had begun to. */
  readonly force: boolean;
  readonly signal?: AbortSignal;
}

async function copyChecked(backup: string, into: string, wanted: FileRecord, signal?: AbortSignal): Promise<void> {
  const { name, bytes, sha256 } = wanted;
  const copied = await copyFile({ path: join(backup, name), bytes }, join(into, name), signal);
  if (copied.sha256 !== sha256)
    throw new StartupError(
      `${join(backup, name)} is not what was backed up (its checksum differs): nothing was restored`,
    );
}

/** With SQLite's log files: an old log beside a new database would be read into it. */
const isData = (name: string): boolean => /\.sqlite(?:-wal|-shm)?$/.test(name) || name === "admin-credentials.json";

async function moveAway(data: string, names: readonly string[], target: string): Promise<void> {
  if (names.length === 0) return;
  await mkdir(target, { recursive: true, mode: 0o700 });
  for (const name of names) await rename(join(data, name), join(target, name));
}

/** Can be interrupted and run again: what is in `ready` has not been moved yet. */
async function moveIntoPlace(data: string, { files }: Manifest, ready: string, aside: string): Promise<void> {
  const arrived = new Set(files.map(({ name }) => name).filter(name => !existsSync(join(ready, name))));
  const old = (await readdir(data)).filter(name => isData(name) && !arrived.has(name));
  await moveAway(data, old, aside);
  for (const { name } of files.filter(file => !arrived.has(file.name)))
    await rename(join(ready, name), join(data, name));
  await syncFolder(data);
  // In one step: without its manifest it could not be finished.
  const done = `${ready}${UNFINISHED}`;
  await rm(done, { recursive: true, force: true });
  await rename(ready, done);
  await syncFolder(data);
  await rm(done, { recursive: true });
}

const isSame = (one: Manifest, other: Manifest): boolean => JSON.stringify(one) === JSON.stringify(other);

/** @throws StartupError; then nothing was changed */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const { backup, data, force, aside, signal } = options;
  const ready = join(data, RESTORING);
  const partial = `${ready}${UNFINISHED}`;
  const manifest = await readManifest(backup);
  await checkFiles(backup, manifest);
  const interrupted = existsSync(ready);
  if (!interrupted && !force && (await readdir(data)).some(isData))
    throw new StartupError(`${data} holds a shop's databases: name an empty folder, or add --force to move them aside`);
  if (interrupted) {
    const earlier = await readManifest(ready);
    await moveIntoPlace(data, earlier, ready, aside);
    if (isSame(earlier, manifest)) return manifest;
  }
  await requireRoom(data, bytesOf(manifest));
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  try {
    for (const file of manifest.files) await copyChecked(backup, partial, file, signal);
    const databases = manifest.files.filter(({ name }) => name.endsWith(".sqlite"));
    await checkIntegrity(
      databases.map(({ name }) => join(partial, name)),
      signal,
    );
    await writeFile(join(partial, MANIFEST), JSON.stringify(manifest), { mode: 0o600, flush: true });
    await syncFolder(partial);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await rename(partial, ready);
  await syncFolder(data);
  // What was just finished is another backup's: beside what it replaced, not over it.
  await moveIntoPlace(data, manifest, ready, interrupted ? `${aside}-unfinished` : aside);
  return manifest;
}
