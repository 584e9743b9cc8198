// Makes SQLite's commits durable without stopping the process for it: many commits share one sync of the write-ahead log.
// It is what `synchronous = full` does after each commit (sqlite.org/pragma.html#pragma_synchronous), done in libuv's
// thread pool. The log file itself carries no lock (those are on the -shm file), so a second descriptor on it is safe.
import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";

export interface WalSync {
  /** Resolves once everything committed before the call is on disk. */
  durable(): Promise<void>;
  /** After a commit: what is written now is not durable yet. */
  dirty(): void;
  /** The file was closed, and with that checkpointed and synced by SQLite itself. */
  close(): void;
}

/** For `durability = "process"`: the operating system has what was committed, and that survives this process. */
export const noSync: WalSync = { durable: () => Promise.resolve(), dirty: () => undefined, close: () => undefined };

function openLog(path: string): number {
  const descriptor = openSync(`${path}-wal`, "r+");
  // The log's name in its folder must be durable too.
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
  return descriptor;
}

interface Waiting {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** @param onError a sync that failed must end the process: what the system did to the unwritten pages is unknown. */
export function createWalSync(path: string, onError: (error: Error) => void): WalSync {
  let descriptor: number | null = null;
  let committed = 0;
  let synced = 0;
  let running = false;
  let closing = false;
  let waiting: Waiting[] = [];

  function settle(upTo: number): void {
    synced = upTo;
    const done = waiting.filter(each => each.upTo <= upTo);
    waiting = waiting.filter(each => each.upTo > upTo);
    for (const { resolve } of done) resolve();
  }

  function release(): void {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
    settle(committed);
  }

  function start(): void {
    const upTo = committed;
    // Opened late: before the first commit there is no log.
    descriptor ??= openLog(path);
    running = true;
    fdatasync(descriptor, error => {
      running = false;
      if (closing) release();
      else if (error === null) {
        settle(upTo);
        if (waiting.length > 0) start();
      } else {
        for (const { reject } of waiting) reject(error);
        waiting = [];
        onError(error);
      }
    });
  }

  return {
    dirty() {
      committed += 1;
    },
    durable() {
      if (synced >= committed) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiting.push({ upTo: committed, resolve, reject });
        if (!running) start();
      });
    },
    close() {
      closing = true;
      if (!running) release();
    },
  };
}
