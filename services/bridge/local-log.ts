// The event log of embedded mode: an append-only SQLite table, the groups' positions and the dead letters beside it.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { StartupError } from "../../core/startup-error.ts";
import type { DeadLetterQuery, EventLog, Reading } from "./event-log.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, event TEXT NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS log_keeps_what_it_says BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the event log is only appended to'); END;
  CREATE TRIGGER IF NOT EXISTS log_keeps_everything BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the event log is only appended to'); END;
  CREATE TABLE IF NOT EXISTS positions (subscriber TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS dead_letters (
    position INTEGER NOT NULL, subscriber TEXT NOT NULL, event_id TEXT NOT NULL, letter TEXT NOT NULL,
    PRIMARY KEY (position, subscriber), UNIQUE (subscriber, event_id)) STRICT, WITHOUT ROWID;
`;

interface Write {
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface LocalLogOptions {
  readonly clock: Clock;
  readonly durability: "full" | "process";
  /** What the process cannot go on with: a full disk, an I/O error, a damaged file. */
  readonly onFatal: (error: StartupError) => void;
}

/** @throws StartupError when the file is damaged. */
export const localLog = (file: string, options: LocalLogOptions): EventLog => new LocalLog(file, options);

function open(file: string, durability: LocalLogOptions["durability"]): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
    const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (check !== "ok") throw new Error(String(check));
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`the event log ${file} is damaged (${reason}): restore it from a backup`);
  }
}

class LocalLog implements EventLog {
  readonly #file: string;
  readonly #options: LocalLogOptions;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #queue: Write[] = [];

  constructor(file: string, options: LocalLogOptions) {
    this.#file = file;
    this.#options = options;
    this.#database = open(file, options.durability);
  }

  append(events: readonly CloudEvent[]): Promise<void> {
    return this.#write(() => {
      const insert = this.#statement("INSERT INTO log (type, event) VALUES (?, ?)");
      for (const event of events) insert.run(event.type, JSON.stringify(event));
    });
  }

  read(after: number, types: readonly string[], limit: number): Promise<Reading> {
    const holes = types.map(() => "?").join(", ");
    const rows = this.#statement(
      `SELECT position, event FROM log WHERE position > ? AND type IN (${holes}) ORDER BY position LIMIT ?`,
    ).all(after, ...types, limit);
    const entries = rows.map(row => ({
      position: Number(row["position"]),
      event: JSON.parse(String(row["event"])) as CloudEvent,
    }));
    const last = entries.at(-1)?.position ?? after;
    return Promise.resolve({ entries, upTo: entries.length < limit ? Math.max(last, this.#head()) : last });
  }

  committed(group: string): Promise<number> {
    const row = this.#statement("SELECT position FROM positions WHERE subscriber = ?").get(group);
    return Promise.resolve(Number(row?.["position"] ?? 0));
  }

  commit(group: string, position: number): Promise<void> {
    return this.#write(() => {
      this.#statement("INSERT OR REPLACE INTO positions (subscriber, position) VALUES (?, ?)").run(group, position);
    });
  }

  bury(letters: readonly DeadLetter[]): Promise<void> {
    return this.#write(() => {
      const insert = this.#statement(
        "INSERT OR IGNORE INTO dead_letters (position, subscriber, event_id, letter) VALUES (?, ?, ?, ?)",
      );
      for (const letter of letters) {
        insert.run(letter.position, letter.subscriber, letter.event.id, JSON.stringify(letter));
      }
    });
  }

  deadLetters({ subscriber, after, limit }: DeadLetterQuery): Promise<readonly DeadLetter[]> {
    const rows = this.#statement(
      `SELECT letter FROM dead_letters WHERE (position, subscriber) > (?, ?) AND (? IS NULL OR subscriber = ?)
         ORDER BY position, subscriber LIMIT ?`,
    ).all(after?.position ?? 0, after?.subscriber ?? "", subscriber ?? null, subscriber ?? null, limit);
    return Promise.resolve(rows.map(row => JSON.parse(String(row["letter"])) as DeadLetter));
  }

  unbury(subscriber: string, eventIds: readonly string[]): Promise<void> {
    return this.#write(() => {
      const remove = this.#statement("DELETE FROM dead_letters WHERE subscriber = ? AND event_id = ?");
      for (const id of eventIds) remove.run(subscriber, id);
    });
  }

  close(): void {
    this.#flush();
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #head(): number {
    return Number(this.#statement("SELECT max(position) AS head FROM log").get()?.["head"] ?? 0);
  }

  /** What is asked in one moment is written and synced together: one fsync for all of it. */
  #write(run: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    if (this.#queue.length === 0)
      this.#options.clock.defer(() => {
        this.#flush();
      });
    this.#queue.push({
      run,
      resolve: () => {
        resolve(undefined);
      },
      reject,
    });
    return promise;
  }

  #flush(): void {
    const writes = this.#queue;
    this.#queue = [];
    if (writes.length === 0) return;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { run } of writes) run();
      this.#database.exec("COMMIT");
    } catch (error) {
      for (const { reject } of writes) reject(error);
      this.#options.onFatal(new StartupError(`${this.#file} cannot be written: ${String(error)}`));
      return;
    }
    for (const { resolve } of writes) resolve();
  }
}
