// The parsed rows in a temporary SQLite database on disk: one pass over the file, and everything after it is a query.
import { DatabaseSync } from "node:sqlite";
import { isRefused, type Refused, type Row } from "./row.ts";

const SCHEMA = `
  PRAGMA journal_mode = OFF;
  PRAGMA synchronous = OFF;
  PRAGMA temp_store = FILE;
  PRAGMA cache_size = -16000;
  CREATE TABLE rows (
    line INTEGER PRIMARY KEY, kind TEXT NOT NULL, invoice TEXT NOT NULL, sku TEXT NOT NULL, description TEXT,
    quantity INTEGER NOT NULL, placedAt TEXT NOT NULL, price INTEGER NOT NULL, customer TEXT, country TEXT,
    raw TEXT NOT NULL
  ) STRICT;
  CREATE TABLE refused (line INTEGER PRIMARY KEY, reason TEXT NOT NULL, raw TEXT NOT NULL) STRICT;
`;

/** With the empty name SQLite makes a file that nobody else sees and that is gone with the process, however it ends. */
export function openStaging(): DatabaseSync {
  const db = new DatabaseSync("");
  db.exec(SCHEMA);
  return db;
}

/** @returns how many rows of data the file has, the refused ones included. */
export async function stage(
  db: DatabaseSync,
  batches: AsyncIterable<(Row | Refused)[]>,
  signal: AbortSignal,
): Promise<number> {
  const row = db.prepare("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const refused = db.prepare("INSERT INTO refused VALUES (?, ?, ?)");
  let count = 0;
  const add = (entry: Row | Refused): void => {
    if (isRefused(entry)) {
      refused.run(entry.line, entry.reason, entry.raw);
      return;
    }
    const { line, kind, invoice, sku, description, quantity, placedAt, price, customer, country, raw } = entry;
    row.run(line, kind, invoice, sku, description, quantity, placedAt, price, customer, country, raw);
  };
  for await (const batch of batches) {
    signal.throwIfAborted();
    db.exec("BEGIN");
    batch.forEach(add);
    db.exec("COMMIT");
    count += batch.filter(entry => !("header" in entry)).length;
  }
  return count;
}
