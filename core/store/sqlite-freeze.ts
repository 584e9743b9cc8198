// Holds a SQLite file still on disk while the process goes on writing. In WAL mode only a checkpoint writes to the file itself
// (sqlite.org/wal.html), so without checkpoints everything new stays in the log.
import { closeSync, fstatSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/** Pages in the log after which a commit copies them into the file. */
export const CHECKPOINT_PAGES = 4_000;

export interface FrozenFile {
  readonly path: string;
  /** To read the file with. Nobody closes it: that would drop the process's lock on the file (fcntl(2), "advisory record locks"). */
  readonly descriptor: number;
  readonly bytes: number;
  /** Whether the file has stayed as it was up to now: false when it was closed meanwhile. */
  isStill(): boolean;
  release(): void;
}

export class Freezer {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #descriptor: number | null = null;
  #isFrozen = false;
  #thawed = false;

  constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#database = database;
  }

  /** @throws when not everything could be copied into the file: then it is not frozen. */
  freeze(): FrozenFile {
    if (this.#isFrozen) throw new Error(`${this.#path} is being copied already`);
    const { busy, log, checkpointed } = this.#database.prepare("pragma wal_checkpoint(full)").get() ?? {};
    if (busy !== 0 || log !== checkpointed) throw new Error(`The log of ${this.#path} could not be copied into it`);
    this.#checkpointAfter(0);
    this.#isFrozen = true;
    let isHeld = true;
    this.#descriptor ??= openSync(this.#path, "r");
    return {
      path: this.#path,
      descriptor: this.#descriptor,
      bytes: fstatSync(this.#descriptor).size,
      isStill: () => !this.#thawed,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#isFrozen = false;
        if (!this.#thawed) this.#checkpointAfter(CHECKPOINT_PAGES);
      },
    };
  }

  /** The file is about to change, whoever is copying it. */
  thaw(): void {
    this.#thawed = true;
  }

  /** Once the database is closed: there is no lock left to drop. */
  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #checkpointAfter(pages: number): void {
    this.#database.exec(`pragma wal_autocheckpoint = ${String(pages)}`);
  }
}
