// Backup and restore of a shop in one process: by itself while it runs, on its files while it does not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { backupName, bytesOf, readManifest } from "../../core/backup/manifest.ts";
import { restoreBackup } from "../../core/backup/restore.ts";
import { takeBackup } from "../../core/backup/take.ts";
import { moveBackup } from "../../core/backup/transfer.ts";
import type { ImportConfig } from "../../core/config.ts";
import type { Backup } from "../../core/contracts/backup.ts";
import { FolderInUseError, holdDataFolder, requireRestored } from "../../core/data-folder.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { StartupError } from "../../core/startup-error.ts";
import { systemClock as clock } from "../../core/system.ts";
import { reasonOf, ShopError, type Shop } from "../import/client.ts";
import { connect } from "../support/administrator.ts";

export interface Summary {
  readonly path: string;
  readonly bytes: number;
  readonly takenAt: string;
}

const POLL_MS = 100;

/** Null when a shop runs on it. */
function holdIfFree(data: string): ReturnType<typeof holdDataFolder> | null {
  try {
    return holdDataFolder(data);
  } catch (error) {
    if (error instanceof FolderInUseError) return null;
    throw error;
  }
}

async function finished(shop: Shop, signal: AbortSignal): Promise<Backup> {
  const begun = await shop.ask<Backup>("/v1/backups", {});
  if (!begun.ok) throw new ShopError(`The shop takes no backup: ${reasonOf(begun)}`);
  for (let backup = begun.body; ;) {
    if (backup.status === "DONE") return backup;
    if (backup.status === "FAILED") throw new ShopError(`The shop could not take a backup: ${backup.problem ?? ""}`);
    await delay(POLL_MS, undefined, { signal });
    const answer = await shop.ask<Backup>(`/v1/backups/${backup.id}`);
    if (!answer.ok) throw new ShopError(`The backup is lost: ${reasonOf(answer)}`);
    backup = answer.body;
  }
}

/** Its path is on the shop's machine, which a --url may place elsewhere. */
async function askShop(settings: ImportConfig, url: string | undefined, signal: AbortSignal): Promise<Backup> {
  const shop = await connect(settings, { url, connections: 1, signal });
  try {
    return await finished(shop, signal);
  } finally {
    await shop.close();
  }
}

interface BackupOptions {
  /** Where backups are kept; null: in the data folder. */
  readonly folder: string | null;
  readonly url: string | undefined;
  readonly signal: AbortSignal;
}

/** @throws StartupError, ShopError; then no backup is there */
export async function backupEmbedded(settings: ImportConfig, options: BackupOptions): Promise<Summary> {
  const { folder, url, signal } = options;
  const { data } = settings;
  if (url === undefined && !existsSync(data))
    throw new StartupError(`${data} is not there: set COMPTOIR_DATA to the shop's folder`);
  const lock = url === undefined ? holdIfFree(data) : null;
  if (lock !== null) {
    try {
      requireRestored(data);
      const path = join(folder ?? join(data, "backups"), backupName(timestamp(clock.now())));
      const manifest = await takeBackup({ data, target: path, clock, signal });
      return { path, bytes: bytesOf(manifest), takenAt: manifest.takenAt };
    } finally {
      lock.release();
    }
  }
  const backup = await askShop(settings, url, signal);
  if (!existsSync(backup.path)) return { path: backup.path, bytes: backup.bytes ?? 0, takenAt: backup.startedAt };
  const { takenAt } = await readManifest(backup.path);
  const path = folder === null ? backup.path : join(folder, backup.id);
  if (folder !== null) await moveBackup(backup.path, path, signal);
  return { path, bytes: backup.bytes ?? 0, takenAt };
}

/** @throws StartupError; then nothing was changed */
export async function restoreEmbedded(
  backup: string,
  { data, force, signal }: { readonly data: string; readonly force: boolean; readonly signal: AbortSignal },
): Promise<Summary> {
  // Before the lock, which makes the folder.
  await readManifest(backup);
  const lock = holdDataFolder(data);
  try {
    const aside = join(data, `replaced-${backupName(timestamp(clock.now()))}`);
    const manifest = await restoreBackup({ backup, data, aside, force, signal });
    return { path: data, bytes: bytesOf(manifest), takenAt: manifest.takenAt };
  } finally {
    lock.release();
  }
}
