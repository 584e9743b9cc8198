// One SQLite file: opened safely, and written by one transaction per moment whichever collections took part.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../kernel/clock.ts";
import { StartupError } from "../startup-error.ts";
import { createWalSync, noSync, type WalSync } from "./wal-sync.ts";

export interface SqliteOptions {
  readonly clock: Clock;
  /** "full" survives power loss: every commit is synced. "process" survives the death of the process only. */
  readonly durability: "full" | "process";
  /** A full disk, an I/O error, a damaged file: the process must not go on. Called once. */
  readonly onFatal: (error: Error) => void;
}

export interface SqliteFile {
  /** @throws DamagedFileError */
  open(): void;
  /** Copies the write-ahead log into the file first. */
  close(): void;
  /** Prepared once per text. */
  statement(sql: string): StatementSync;
  /** Runs now when open, else as part of `open`. */
  onOpen(prepare: (database: DatabaseSync) => void): void;
  /**
   * Joins the transaction of this moment; resolves once it is durable. A job that throws undoes the whole transaction,
   * so it answers what it expects (a unique violation) instead of throwing it.
   */
  transact<T>(job: () => T): Promise<T>;
  /** Resolves once everything that can be read now is durable: nobody may be told what a power cut can take back. */
  durable(): Promise<void>;
}

/** The file is not a whole SQLite database. */
export class DamagedFileError extends StartupError {}

/** Primary result codes after which nothing can be written. Source: sqlite.org/rescode.html. */
const FATAL = new Map([
  [8, "is read-only"],
  [10, "cannot be read or written (I/O error)"],
  [11, "is damaged"],
  [13, "cannot grow: the disk is full"],
  [14, "cannot be opened"],
  [26, "is not a database"],
]);

/** SQLite's extended result code; undefined for any other error. */
export const errcodeOf = (error: unknown): number | undefined =>
  typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : undefined;

interface Job {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

function fatalError(path: string, error: unknown): StartupError | null {
  const problem = FATAL.get((errcodeOf(error) ?? 0) & 0xff);
  return problem === undefined ? null : new StartupError(`The database ${path} ${problem}`, { cause: error });
}

function openChecked(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  try {
    // NORMAL syncs at checkpoints only; the syncs after commits are wal-sync.ts's.
    database.exec(`pragma journal_mode = wal; pragma synchronous = normal;
      pragma cache_size = -32000; pragma temp_store = memory; pragma wal_autocheckpoint = 4000`);
    const result = database.prepare("pragma quick_check(1)").get()?.["quick_check"];
    if (result !== "ok") throw new DamagedFileError(`The database ${path} is damaged: ${String(result)}`);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof DamagedFileError) throw error;
    throw fatalError(path, error) === null
      ? error
      : new DamagedFileError(`The database ${path} cannot be used: restore it from a backup`, { cause: error });
  }
}

/** The -wal file is there from the first write on, which the schema's preparation need not have been. */
function syncOf(path: string, end: (error: Error) => void): WalSync {
  return createWalSync(path, error => {
    end(new StartupError(`The database ${path} cannot be synced: ${error.message}`, { cause: error }));
  });
}

function runAll(database: DatabaseSync, jobs: readonly Job[]): unknown[] {
  database.exec("begin immediate");
  try {
    const results = jobs.map(({ run }) => run());
    database.exec("commit");
    return results;
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

export function createSqliteFile(path: string, { clock, durability, onFatal }: SqliteOptions): SqliteFile {
  const statements = new Map<string, StatementSync>();
  const preparations: ((database: DatabaseSync) => void)[] = [];
  let open: DatabaseSync | null = null;
  let sync: WalSync = noSync;
  let jobs: Job[] = [];
  let fatal = false;

  function database(): DatabaseSync {
    if (open === null) throw new Error(`The database ${path} is not open`);
    return open;
  }

  function end(error: Error | null): void {
    if (error === null || fatal) return;
    fatal = true;
    onFatal(error);
  }

  async function commit(): Promise<void> {
    const batch = jobs;
    jobs = [];
    try {
      const results = runAll(database(), batch);
      sync.dirty();
      await sync.durable();
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      end(fatalError(path, error));
    }
  }

  return {
    open() {
      open = openChecked(path);
      for (const prepare of preparations) prepare(open);
      if (durability === "full") sync = syncOf(path, end);
    },
    close() {
      statements.clear();
      open?.exec("pragma wal_checkpoint(truncate)");
      open?.close();
      open = null;
      sync.close();
      sync = noSync;
    },
    statement(sql) {
      const statement = statements.get(sql) ?? database().prepare(sql);
      statements.set(sql, statement);
      return statement;
    },
    onOpen(prepare) {
      preparations.push(prepare);
      if (open !== null) prepare(open);
    },
    transact: <T>(run: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (jobs.length === 0) clock.defer(() => void commit());
        jobs.push({ run, resolve: resolve as (value: unknown) => void, reject });
      }),
    durable: () => sync.durable(),
  };
}
