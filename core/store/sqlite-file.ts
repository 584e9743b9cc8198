// One SQLite file: opened safely, and written by one transaction per moment whichever collections took part.
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../kernel/clock.ts";
import { StartupError } from "../startup-error.ts";
import { CHECKPOINT_PAGES, Freezer, type FrozenFile } from "./sqlite-freeze.ts";
import { WalSync } from "./wal-sync.ts";

export interface SqliteOptions {
  readonly clock: Clock;
  /** "full" survives power loss: every commit is synced. "process" survives the death of the process only. */
  readonly durability: "full" | "process";
  /** Other connections write to the file too. Otherwise it is locked once, and what was read of it is kept. */
  readonly shared?: boolean;
  /** A full disk, an I/O error, a damaged file: the process must not go on. Called once. */
  readonly onFatal: (error: Error) => void;
}

const DAMAGED: readonly number[] = [11, 26];

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
  const code = (errcodeOf(error) ?? 0) & 0xff;
  const problem = FATAL.get(code);
  if (problem === undefined) return null;
  if (!DAMAGED.includes(code)) return new StartupError(`The database ${path} ${problem}`, { cause: error });
  return new DamagedFileError(`The database ${path} ${problem}: restore it from a backup`, { cause: error });
}

type Prepare = (database: DatabaseSync) => void;

function openChecked(path: string, isShared: boolean, preparations: readonly Prepare[]): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  try {
    // NORMAL syncs at checkpoints only; the syncs after commits are wal-sync.ts's.
    database.exec(`pragma locking_mode = ${isShared ? "normal" : "exclusive"}; pragma journal_mode = wal; pragma synchronous = normal;
      pragma temp_store = memory; pragma wal_autocheckpoint = ${String(CHECKPOINT_PAGES)}`);
    const result = database.prepare("pragma quick_check(1)").get()?.["quick_check"];
    if (result !== "ok") throw new DamagedFileError(`The database ${path} is damaged: ${String(result)}`);
    for (const prepare of preparations) prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw fatalError(path, error) ?? error;
  }
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

const openFiles = new Set<SqliteFile>();

/** The files that this process has open in the folder: whoever opens one need not think of backups. */
export const openFilesIn = (folder: string): SqliteFile[] =>
  [...openFiles].filter(({ path }) => dirname(path) === folder);

export class SqliteFile {
  readonly #path: string;
  readonly #options: SqliteOptions;
  readonly #statements = new Map<string, StatementSync>();
  readonly #preparations: Prepare[] = [];
  #database: DatabaseSync | null = null;
  #sync: WalSync | null = null;
  #freezer: Freezer | null = null;
  #jobs: Job[] = [];
  #scheduled = false;
  #fatal: Error | null = null;

  constructor(path: string, options: SqliteOptions) {
    this.#path = path;
    this.#options = options;
  }

  get path(): string {
    return this.#path;
  }

  get isShared(): boolean {
    return this.#options.shared === true;
  }

  /** @throws StartupError, of a file that is not whole DamagedFileError */
  open(): void {
    this.#database = openChecked(this.#path, this.isShared, this.#preparations);
    this.#freezer = new Freezer(this.#path, this.#database);
    openFiles.add(this);
    if (this.#options.durability === "process") return;
    this.#sync = new WalSync(this.#path, error => {
      this.#end(new StartupError(`The database ${this.#path} cannot be synced: ${error.message}`, { cause: error }));
    });
  }

  /** Copies the write-ahead log into the file first. */
  close(): void {
    openFiles.delete(this);
    this.#statements.clear();
    this.#freezer?.thaw();
    this.#database?.exec("pragma wal_checkpoint(truncate)");
    this.#database?.close();
    this.#freezer?.close();
    this.#database = null;
    this.#freezer = null;
    this.#sync?.close();
    this.#sync = null;
  }

  /** Copies what has been committed into the file, so that a freeze has little left to copy. */
  checkpoint(): void {
    this.#opened().exec("pragma wal_checkpoint(passive)");
  }

  /**
   * Until it is released the file on disk holds what is committed at this moment, and nothing else; what is written meanwhile stays in
   * the log. Files that are frozen in one go, without a pause in between, are of one moment.
   */
  freeze(): FrozenFile {
    this.#opened();
    if (this.isShared || this.#freezer === null) throw new Error(`${this.#path} is shared: others could change it`);
    return this.#freezer.freeze();
  }

  /** Prepared once per text. */
  statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#opened().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Runs now when open, and at each `open`. */
  onOpen(prepare: Prepare): void {
    this.#preparations.push(prepare);
    if (this.#database !== null) prepare(this.#database);
  }

  /**
   * Joins the next transaction; resolves once it is durable. A job that throws undoes the whole transaction,
   * so it answers what it expects (a unique violation) instead of throwing it.
   */
  transact<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ run, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** One transaction at a time until it is synced: what comes meanwhile shares the next one and its sync. */
  #schedule(): void {
    if (this.#scheduled || this.#jobs.length === 0) return;
    this.#scheduled = true;
    this.#options.clock.defer(() => void this.#commit());
  }

  /** Resolves once everything that can be read now is durable: nobody may be told what a power cut can take back. */
  async durable(): Promise<void> {
    await this.#sync?.durable();
  }

  async #commit(): Promise<void> {
    const batch = this.#jobs;
    this.#jobs = [];
    try {
      const results = runAll(this.#opened(), batch);
      this.#sync?.dirty();
      await this.durable();
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      this.#end(fatalError(this.#path, error));
    }
    this.#scheduled = false;
    this.#schedule();
  }

  #end(error: Error | null): void {
    if (error === null || this.#fatal !== null) return;
    this.#fatal = error;
    this.#options.onFatal(error);
  }

  #opened(): DatabaseSync {
    // A smaller write might still fit; the order of what happened would have a hole.
    if (this.#fatal !== null) throw this.#fatal;
    if (this.#database === null) throw new Error(`The database ${this.#path} is not open`);
    return this.#database;
  }
}

export const createSqliteFile = (path: string, options: SqliteOptions): SqliteFile => new SqliteFile(path, options);
