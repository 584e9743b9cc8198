// The backups in the data folder, and the one that is being made.
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { backupName, bytesOf, readManifest } from "../../core/backup/manifest.ts";
import { takeBackup, UNFINISHED } from "../../core/backup/take.ts";
import type { Backup } from "../../core/contracts/backup.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { StartupError } from "../../core/startup-error.ts";

export interface ShelfOptions {
  readonly data: string;
  readonly folder: string;
  readonly clock: Clock;
}

export interface Shelf {
  /** Null while one is under way. */
  take(): Backup | null;
  /** Newest first. */
  list(): Promise<Backup[]>;
  /** Resolves when what is under way has ended. */
  finished(): Promise<void>;
  /** Gives up what is under way. */
  stop(): Promise<void>;
}

const problemOf = (error: unknown): string =>
  error instanceof StartupError
    ? error.message
    : `it could not be written (${error instanceof Error ? error.message : String(error)})`;

class FolderShelf implements Shelf {
  readonly #options: ShelfOptions;
  readonly #stopping = new AbortController();
  #last: Backup | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  take(): Backup | null {
    if (this.#last?.status === "RUNNING" || this.#stopping.signal.aborted) return null;
    const { clock, folder } = this.#options;
    const startedAt = timestamp(clock.now());
    const id = backupName(startedAt);
    const path = join(folder, id);
    const begun: Backup = { id, status: "RUNNING", startedAt, endedAt: null, bytes: null, path, problem: null };
    this.#last = begun;
    this.#running = this.#make(begun);
    return begun;
  }

  async list(): Promise<Backup[]> {
    const { folder } = this.#options;
    const last = this.#last;
    const names = existsSync(folder) ? await readdir(folder) : [];
    const done = await Promise.all(
      names.filter(name => !name.endsWith(UNFINISHED) && name !== last?.id).map(name => this.#describe(name)),
    );
    const found = done.filter(backup => backup !== null);
    return [...(last === null ? [] : [last]), ...found].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  }

  finished(): Promise<void> {
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #make(begun: Backup): Promise<void> {
    const { data, clock } = this.#options;
    const { signal } = this.#stopping;
    try {
      await this.#dropUnfinished();
      const manifest = await takeBackup({ data, target: begun.path, clock, signal });
      this.#last = { ...begun, status: "DONE", endedAt: timestamp(clock.now()), bytes: bytesOf(manifest) };
    } catch (error) {
      this.#last = { ...begun, status: "FAILED", endedAt: timestamp(clock.now()), problem: problemOf(error) };
    }
  }

  /** What a process that died left. */
  async #dropUnfinished(): Promise<void> {
    const { folder } = this.#options;
    const names = existsSync(folder) ? await readdir(folder) : [];
    const left = names.filter(name => name.endsWith(UNFINISHED));
    await Promise.all(left.map(name => rm(join(folder, name), { recursive: true, force: true })));
  }

  /** Null for what is no backup. */
  async #describe(id: string): Promise<Backup | null> {
    const path = join(this.#options.folder, id);
    const manifest = await readManifest(path).catch(() => null);
    if (manifest === null) return null;
    const { takenAt } = manifest;
    return { id, status: "DONE", startedAt: takenAt, endedAt: takenAt, bytes: bytesOf(manifest), path, problem: null };
  }
}

export const createShelf = (options: ShelfOptions): Shelf => new FolderShelf(options);
