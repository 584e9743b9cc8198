// Brings a finished backup to another folder, whole or not at all.
import { existsSync } from "node:fs";
import { copyFile as copyPlain, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartupError } from "../startup-error.ts";
import { copyFile, requireRoom, syncFolder } from "./copy.ts";
import { bytesOf, MANIFEST, readManifest } from "./manifest.ts";
import { UNFINISHED } from "./take.ts";

/** @throws StartupError when the target is there, or the copy differs from the backup */
export async function moveBackup(from: string, to: string, signal?: AbortSignal): Promise<void> {
  if (existsSync(to)) throw new StartupError(`${to} exists already: name another folder`);
  const manifest = await readManifest(from);
  const partial = `${to}${UNFINISHED}`;
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    await requireRoom(partial, bytesOf(manifest));
    for (const { name, bytes, sha256 } of manifest.files) {
      const copied = await copyFile({ path: join(from, name), bytes }, join(partial, name), signal);
      if (copied.sha256 !== sha256) throw new StartupError(`${join(from, name)} has changed since it was copied`);
    }
    await copyPlain(join(from, MANIFEST), join(partial, MANIFEST));
    await syncFolder(partial);
    await rename(partial, to);
    await syncFolder(dirname(to));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await rm(from, { recursive: true });
}
