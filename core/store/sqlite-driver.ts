// The store's driver on SQLite: a document is a row; its entries and events are rows written in the same transaction.
import type { CloudEvent } from "../contracts/common.ts";
import {
  DUE_LIMIT,
  type Acknowledgement,
  type Ask,
  type Driver,
  type Loaded,
  type StoredDocument,
  type StoredEntry,
  type Write,
  type WriteMark,
  type WriteOutcome,
} from "./driver.ts";
import type { CollectionSpec } from "./port.ts";
import { errcodeOf, type SqliteFile } from "./sqlite-file.ts";
import { listRows, type Row } from "./sqlite-list.ts";
import { prepareCollection, tablesOf } from "./sqlite-schema.ts";

const UNIQUE_VIOLATION = 2067;
const ID_TAKEN = 1555;

const toDocument = (row: Row): StoredDocument => ({
  id: row["id"] as string,
  version: row["version"] as number,
  seq: row["seq"] as number,
  schemaVersion: row["schema_version"] as number,
  writes: JSON.parse(row["writes"] as string) as WriteMark[],
  state: JSON.parse(row["body"] as string) as StoredDocument["state"],
});

const toEntry = (row: Row): StoredEntry => ({
  value: JSON.parse(row["value"] as string) as unknown,
  dueAt: row["due_at"] as number | null,
});

function statementsOf(spec: CollectionSpec<unknown>) {
  const { documents, entries, outbox } = tablesOf(spec);
  const due = `${entries} indexed by "${spec.name}:due"`;
  return {
    load: `select id, version, seq, schema_version, writes, body from ${documents} where id = ?`,
    oldest: `select min(seq) as seq from ${outbox} where id = ?`,
    entry: `select due_at, value from ${entries} where id = ? and key = ?`,
    dueOf: `select key, due_at, value from ${due} where due_at <= ? and id = ? order by due_at limit ${String(DUE_LIMIT)}`,
    insert: `insert into ${documents} (version, seq, schema_version, writes, body, id) values (?, ?, ?, ?, ?, ?)`,
    update: `update ${documents} set version = ?, seq = ?, schema_version = ?, writes = ?, body = ? where id = ? and version = ?`,
    putEntry: `insert or replace into ${entries} (id, key, due_at, value) values (?, ?, ?, ?)`,
    dropEntry: `delete from ${entries} where id = ? and key = ?`,
    putEvent: `insert into ${outbox} (id, seq, body) values (?, ?, ?)`,
    due: `select id, key from ${due} where due_at <= ? order by due_at, id, key limit ?`,
    pending: `select body from ${outbox} where id not in (select value from json_each(?)) order by position limit ?`,
    acknowledge: `delete from ${outbox} where id = ? and seq <= ?`,
    count: `select count(*) as events from ${outbox}`,
  };
}

/** A write with its JSON made, outside the transaction. */
interface Encoded {
  readonly write: Write;
  readonly body: string;
  readonly writes: string;
  readonly events: readonly (readonly [seq: number, body: string])[];
  readonly entries: readonly (readonly [key: string, dueAt: number | null, value: string | null])[];
}

const encode = (write: Write): Encoded => ({
  write,
  body: JSON.stringify(write.document.state),
  writes: JSON.stringify(write.document.writes),
  events: write.events.map(event => [event.sequence, JSON.stringify(event)]),
  entries: [...write.entries].map(([key, entry]) => [
    key,
    entry?.dueAt ?? null,
    entry === null ? null : JSON.stringify(entry.value),
  ]),
});

export function createSqliteDriver(spec: CollectionSpec<unknown>, file: SqliteFile): Driver {
  const sql = statementsOf(spec);
  const { documents } = tablesOf(spec);
  const prepare = (text: string) => file.statement(text);
  file.onOpen(database => {
    prepareCollection(database, spec);
  });

  /** Null when another write was first. A unique violation undoes this statement only, and nothing came before it. */
  function writeDocument({ write: { document, expected }, body, writes }: Encoded): WriteOutcome {
    const { id, version, seq, schemaVersion } = document;
    try {
      const values = [version, seq, schemaVersion, writes, body, id] as const;
      const { changes } =
        expected === 0 ? prepare(sql.insert).run(...values) : prepare(sql.update).run(...values, expected);
      return { kind: changes === 1 ? "written" : "conflict" };
    } catch (error) {
      const code = errcodeOf(error);
      if (code === ID_TAKEN) return { kind: "conflict" };
      if (code !== UNIQUE_VIOLATION) throw error;
      return { kind: "duplicate", field: violated(error) };
    }
  }

  function violated(error: unknown): string {
    const { message } = error as Error;
    const index = spec.indexes.find(({ on, unique }) => unique === true && message.includes(`.f:${on[0] ?? ""}`));
    return index?.on[0] ?? "id";
  }

  function apply(encoded: Encoded): WriteOutcome {
    const outcome = writeDocument(encoded);
    if (outcome.kind !== "written") return outcome;
    const { id } = encoded.write.document;
    for (const [key, dueAt, value] of encoded.entries) {
      if (value === null) prepare(sql.dropEntry).run(id, key);
      else prepare(sql.putEntry).run(id, key, dueAt, value);
    }
    for (const [seq, body] of encoded.events) prepare(sql.putEvent).run(id, seq, body);
    return outcome;
  }

  function readOne({ id, keys, dueBy }: Ask): Loaded {
    const row = prepare(sql.load).get(id);
    if (row === undefined) return { document: null, entries: new Map(), pending: 0 };
    const document = toDocument(row);
    const entries = new Map<string, StoredEntry>();
    const due = dueBy === null ? [] : prepare(sql.dueOf).all(dueBy, id);
    for (const found of due) entries.set(found["key"] as string, toEntry(found));
    for (const key of keys) {
      const found = prepare(sql.entry).get(id, key);
      if (found !== undefined) entries.set(key, toEntry(found));
    }
    const oldest = prepare(sql.oldest).get(id)?.["seq"];
    return { document, entries, pending: typeof oldest === "number" ? document.seq - oldest + 1 : 0 };
  }

  function acknowledge(acknowledgements: readonly Acknowledgement[]): number {
    const statement = prepare(sql.acknowledge);
    return acknowledgements.reduce((taken, { id, seq }) => taken + Number(statement.run(id, seq).changes), 0);
  }

  /** SQLite answers at once; what it saw is told when a power cut can no longer take it back. */
  async function now<T>(query: () => T): Promise<T> {
    const answer = query();
    await file.durable();
    return answer;
  }

  return {
    read: asks => now(() => asks.map(readOne)),
    write: async writes => {
      const encoded = writes.map(encode);
      return file.transact(() => encoded.map(apply));
    },
    list: query => now(() => listRows(prepare, documents, query).map(toDocument)),
    due: (until, limit) =>
      now(() =>
        prepare(sql.due)
          .all(until, limit)
          .map(row => ({ id: row["id"] as string, key: row["key"] as string })),
      ),
    pending: (limit, parked) =>
      now(() =>
        prepare(sql.pending)
          .all(JSON.stringify([...parked]), limit)
          .map(row => JSON.parse(row["body"] as string) as CloudEvent),
      ),
    acknowledge: acknowledgements => file.transact(() => acknowledge(acknowledgements)),
    pendingCount: () => now(() => prepare(sql.count).get()?.["events"] as number),
  };
}
