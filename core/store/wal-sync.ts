// Makes SQLite's commits durable without stopping the process for it: many commits share one sync of the write-ahead log.
// It is what `synchronous = full` does after each commit (sqlite.org/pragma.html#pragma_synchronous), done in libuv's
// thread pool. The log file itself carries no lock (the database or the -shm file does), so a second descriptor is safe.
import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";

function openLog(path: string): number {
  const descriptor = openSync(`${path}-wal`, "r+");
  // The log's name in its folder must be durable too.
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
  return descriptor;
}

type Sync = (descriptor: number, done: (error: Error | null) => void) => void;

interface Waiting {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class WalSync {
  readonly #path: string;
  readonly #onError: (error: Error) => void;
  readonly #sync: Sync;
  #descriptor: number | null = null;
  #committed = 0;
  #synced = 0;
  #running = false;
  #closing = false;
  #waiting: Waiting[] = [];

  /** @param onError a sync that failed must end the process: what the system did to the unwritten pages is unknown. */
  constructor(path: string, onError: (error: Error) => void, sync: Sync = fdatasync) {
    this.#path = path;
    this.#onError = onError;
    this.#sync = sync;
  }

  /** After a commit: what is written now is not durable yet. */
  dirty(): void {
    this.#committed += 1;
  }

  /** Resolves once everything committed before the call is on disk. */
  durable(): Promise<void> {
    if (this.#synced >= this.#committed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ upTo: this.#committed, resolve, reject });
      if (!this.#running) this.#start();
    });
  }

  /** The file was closed, and with that checkpointed and synced by SQLite itself. */
  close(): void {
    this.#closing = true;
    if (!this.#running) this.#release();
  }

  #start(): void {
    const upTo = this.#committed;
    // Opened late: before the first commit there is no log.
    this.#descriptor ??= openLog(this.#path);
    this.#running = true;
    this.#sync(this.#descriptor, error => {
      this.#running = false;
      if (this.#closing) this.#release();
      else if (error === null) {
        this.#settle(upTo);
        if (this.#waiting.length > 0) this.#start();
      } else this.#fail(error);
    });
  }

  #settle(upTo: number): void {
    this.#synced = upTo;
    const done = this.#waiting.filter(each => each.upTo <= upTo);
    this.#waiting = this.#waiting.filter(each => each.upTo > upTo);
    for (const { resolve } of done) resolve();
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
    this.#onError(error);
  }

  #release(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#settle(this.#committed);
  }
}
