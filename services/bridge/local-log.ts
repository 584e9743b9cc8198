// The event log of embedded mode: an append-only SQLite table, the groups' positions and the dead letters beside it.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { createSqliteFile, type SqliteFile, type SqliteOptions } from "../../core/store/sqlite-file.ts";
import type { DeadLetterQuery, EventLog } from "./event-log.ts";
import type { Reading } from "./feed.ts";
import { sequenceLog, type Sequence } from "./sequence.ts";

/** As SQLite's LIMIT. */
const ALL = -1;

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

class LocalSequence implements Sequence {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
    file.onOpen(database => {
      database.exec(schema);
    });
    file.open();
  }

  append(events: readonly CloudEvent[]): Promise<void> {
    return this.#file.transact(() => {
      const insert = this.#file.statement("INSERT INTO log (type, event) VALUES (?, ?)");
      for (const event of events) insert.run(event.type, JSON.stringify(event));
    });
  }

  async read(after: number, types: readonly string[], limit: number): Promise<Reading> {
    const holes = types.map(() => "?").join(", ");
    const rows = this.#file
      .statement(`SELECT position, event FROM log WHERE position > ? AND type IN (${holes}) ORDER BY position LIMIT ?`)
      .all(after, ...types, limit);
    const entries = rows.map(row => ({
      position: Number(row["position"]),
      event: JSON.parse(String(row["event"])) as CloudEvent,
    }));
    const last = entries.at(-1)?.position ?? after;
    const upTo = entries.length < limit ? Math.max(last, this.#head()) : last;
    await this.#file.durable();
    return { entries, upTo };
  }

  committed(group: string): Promise<number> {
    const row = this.#file.statement("SELECT position FROM positions WHERE subscriber = ?").get(group);
    return Promise.resolve(Number(row?.["position"] ?? 0));
  }

  commit(group: string, position: number): Promise<void> {
    return this.#file.transact(() => {
      this.#file
        .statement(
          `INSERT INTO positions (subscriber, position) VALUES (?, ?)
           ON CONFLICT (subscriber) DO UPDATE SET position = max(position, excluded.position)`,
        )
        .run(group, position);
    });
  }

  bury(letters: readonly DeadLetter[]): Promise<void> {
    return this.#file.transact(() => {
      const insert = this.#file.statement(
        "INSERT OR IGNORE INTO dead_letters (position, subscriber, event_id, letter) VALUES (?, ?, ?, ?)",
      );
      for (const letter of letters) {
        insert.run(letter.position, letter.subscriber, letter.event.id, JSON.stringify(letter));
      }
    });
  }

  deadLetters({ subscriber, after, limit }: DeadLetterQuery): Promise<readonly DeadLetter[]> {
    const rows = this.#file
      .statement(
        `SELECT letter FROM dead_letters WHERE (position, subscriber) > (?, ?) AND (? IS NULL OR subscriber = ?)
         ORDER BY position, subscriber LIMIT ?`,
      )
      .all(after?.position ?? 0, after?.subscriber ?? "", subscriber ?? null, subscriber ?? null, limit ?? ALL);
    return Promise.resolve(rows.map(row => JSON.parse(String(row["letter"])) as DeadLetter));
  }

  unbury(letters: readonly DeadLetter[]): Promise<void> {
    return this.#file.transact(() => {
      const remove = this.#file.statement("DELETE FROM dead_letters WHERE subscriber = ? AND event_id = ?");
      for (const { subscriber, event } of letters) remove.run(subscriber, event.id);
    });
  }

  end(): Promise<number> {
    return Promise.resolve(this.#head());
  }

  close(): void {
    this.#file.close();
  }

  #head(): number {
    return Number(this.#file.statement("SELECT max(position) AS head FROM log").get()?.["head"] ?? 0);
  }
}

/** @throws DamagedFileError */
export const localLog = (path: string, options: SqliteOptions): EventLog =>
  sequenceLog(new LocalSequence(createSqliteFile(path, options)));
