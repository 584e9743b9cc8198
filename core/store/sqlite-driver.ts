// The store's driver on SQLite: a document is a row; its entries and events are rows written in the same transaction.
import type { StatementSync } from "node:sqlite";
import { LRUCache } from "lru-cache";
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
  type WriteOutcome,
} from "./driver.ts";
import type { CollectionSpec, DueEntry, Query } from "./port.ts";
import { errcodeOf, type SqliteFile } from "./sqlite-file.ts";
import { listRows, type Row } from "./sqlite-list.ts";
import { createRows, toDocument } from "./sqlite-rows.ts";
import { prepareCollection, tablesOf } from "./sqlite-schema.ts";

const UNIQUE_VIOLATION = 2067;
const ID_TAKEN = 1555;

const toEntry = (row: Row): StoredEntry => ({
  value: JSON.parse(row["value"] as string) as unknown,
  dueAt: row["due_at"] as number | null,
});

const toEvent = (row: Row): CloudEvent => JSON.parse(row["body"] as string) as CloudEvent;

function statementsOf(spec: CollectionSpec<unknown>) {
  const { documents, entries, outbox } = tablesOf(spec);
  const due = `${entries} indexed by "${spec.name}:due"`;
  return {
    load: `select id, version, seq, schema_version, writes, body from ${documents} where id = ?`,
    version: `select version from ${documents} where id = ?`,
    oldest: `select min(seq) as seq from ${outbox} where id = ?`,
    entry: `select due_at, value from ${entries} where id = ? and key = ?`,
    dueOf: `select key, due_at, value from ${due} where due_at <= ? and id = ? order by due_at limit ${String(DUE_LIMIT)}`,
    entriesOf: `select key, due_at, value from ${entries} where id = ?`,
    putEntry: `insert or replace into ${entries} (id, key, due_at, value) values (?, ?, ?, ?)`,
    dropEntry: `delete from ${entries} where id = ? and key = ?`,
    putEvent: `insert into ${outbox} (id, seq, body) values (?, ?, ?)`,
    due: `select id, key from ${due} where due_at <= ? order by due_at, id, key limit ?`,
    pending: `select body from ${outbox} where id not in (select value from json_each(?)) order by position limit ?`,
    pendingOf: `select body from ${outbox} where id in (select value from json_each(?)) order by position limit ?`,
    acknowledge: `delete from ${outbox} where id = ? and seq <= ?`,
    documents: `select count(*) as documents from ${documents}`,
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

/** Characters of JSON per collection: what is being worked on, a few hundred orders. */
const CACHE_SIZE = 1_000_000;

class SqliteDriver implements Driver {
  readonly isCertain = true;
  /** As last read or written; not used where others write too. */
  readonly #cache = new LRUCache<string, StoredDocument>({ maxSize: CACHE_SIZE });
  readonly #spec: CollectionSpec<unknown>;
  readonly #file: SqliteFile;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #rows: ReturnType<typeof createRows>;

  constructor(spec: CollectionSpec<unknown>, file: SqliteFile) {
    this.#spec = spec;
    this.#file = file;
    this.#sql = statementsOf(spec);
    this.#rows = createRows(spec);
    file.onOpen(database => {
      prepareCollection(database, spec);
    });
  }

  /** A write that follows in this file is durable only after what was read, so only an answer without one has to wait. */
  async read(asks: readonly Ask[]): Promise<Loaded[]> {
    return Promise.resolve(asks.map(ask => this.#readOne(ask)));
  }

  durable(): Promise<void> {
    return this.#file.durable();
  }

  async write(writes: readonly Write[]): Promise<WriteOutcome[]> {
    const encoded = writes.map(encode);
    try {
      return await this.#file.transact(() => encoded.map(write => this.#apply(write)));
    } catch (error) {
      // The transaction was undone, and with it what the cache took from it.
      this.#cache.clear();
      throw error;
    }
  }

  list(query: Query): Promise<StoredDocument[]> {
    const { documents } = tablesOf(this.#spec);
    return this.#tell(() => listRows(sql => this.#file.statement(sql), documents, query).map(toDocument));
  }

  count(): Promise<number> {
    return this.#tell(() => this.#statement("documents").get()?.["documents"] as number);
  }

  due(now: number, limit: number): Promise<DueEntry[]> {
    const toDue = (row: Row): DueEntry => ({ id: row["id"] as string, key: row["key"] as string });
    return this.#tell(() => this.#statement("due").all(now, limit).map(toDue));
  }

  pending(limit: number, parked: ReadonlySet<string>): Promise<CloudEvent[]> {
    return this.#tell(() =>
      this.#statement("pending")
        .all(JSON.stringify([...parked]), limit)
        .map(toEvent),
    );
  }

  pendingOf(ids: readonly string[], limit: number): Promise<CloudEvent[]> {
    return this.#tell(() => this.#statement("pendingOf").all(JSON.stringify(ids), limit).map(toEvent));
  }

  acknowledge(acknowledgements: readonly Acknowledgement[]): Promise<number> {
    return this.#file.transact(() => {
      const statement = this.#statement("acknowledge");
      return acknowledgements.reduce((taken, { id, seq }) => taken + Number(statement.run(id, seq).changes), 0);
    });
  }

  pendingCount(): Promise<number> {
    return this.#tell(() => this.#statement("count").get()?.["events"] as number);
  }

  #statement(name: keyof ReturnType<typeof statementsOf>): StatementSync {
    return this.#file.statement(this.#sql[name]);
  }

  /** SQLite answers at once; what it saw is told when a power cut can no longer take it back. */
  async #tell<T>(query: () => T): Promise<T> {
    const answer = query();
    await this.#file.durable();
    return answer;
  }

  #readOne({ id, keys, dueBy, pending, whole }: Ask): Loaded {
    const document = this.#load(id);
    if (document === null) return { document, entries: new Map(), pending: 0 };
    const entries = new Map<string, StoredEntry>();
    const due = dueBy === null ? [] : this.#statement("dueOf").all(dueBy, id);
    const all = whole === true ? this.#statement("entriesOf").all(id) : [];
    for (const found of [...due, ...all]) entries.set(found["key"] as string, toEntry(found));
    for (const key of keys) {
      const found = this.#statement("entry").get(id, key);
      if (found !== undefined) entries.set(key, toEntry(found));
    }
    const oldest = pending === true ? this.#statement("oldest").get(id)?.["seq"] : undefined;
    return { document, entries, pending: typeof oldest === "number" ? document.seq - oldest + 1 : 0 };
  }

  #load(id: string): StoredDocument | null {
    const cached = this.#cache.get(id);
    if (cached !== undefined) return cached;
    const row = this.#statement("load").get(id);
    if (row === undefined) return null;
    const document = toDocument(row);
    this.#keep(document, row["body"] as string);
    return document;
  }

  #keep(document: StoredDocument, body: string): void {
    if (!this.#file.isShared) this.#cache.set(document.id, document, { size: body.length });
  }

  #apply(encoded: Encoded): WriteOutcome {
    const outcome = this.#writeDocument(encoded);
    if (outcome.kind !== "written") return outcome;
    const { document } = encoded.write;
    const { id } = document;
    this.#keep(document, encoded.body);
    for (const [key, dueAt, value] of encoded.entries) {
      if (value === null) this.#statement("dropEntry").run(id, key);
      else this.#statement("putEntry").run(id, key, dueAt, value);
    }
    for (const [seq, body] of encoded.events) this.#statement("putEvent").run(id, seq, body);
    return outcome;
  }

  /** A unique violation undoes this statement only, and nothing came before it. */
  #writeDocument({ write: { document, expected }, body, writes }: Encoded): WriteOutcome {
    const kept = this.#cache.peek(document.id);
    const before = kept?.version === expected ? kept : undefined;
    const { sql, values } =
      expected === 0
        ? this.#rows.insert(document, body, writes)
        : this.#rows.update(document, body, writes, expected, before);
    try {
      const { changes } = this.#file.statement(sql).run(...values);
      return { kind: changes === 1 ? "written" : "conflict" };
    } catch (error) {
      const code = errcodeOf(error);
      if (code === ID_TAKEN) return { kind: "conflict" };
      if (code !== UNIQUE_VIOLATION) throw error;
      // SQLite may name another index before the id: whoever makes the same document meets its own values.
      const { version = 0 } = this.#statement("version").get(document.id) ?? {};
      if (version !== expected) return { kind: "conflict" };
      return { kind: "duplicate", field: this.#violated(error as Error) };
    }
  }

  /** SQLite names the columns of the index in its message. */
  #violated({ message }: Error): string {
    const columns = message
      .slice(message.indexOf(":") + 1)
      .split(",")
      .map(column => column.replace(/^.*\.f:/, ""));
    const index = this.#spec.indexes.find(({ on, unique }) => unique === true && on.join() === columns.join());
    return index?.on[0] ?? "id";
  }
}

export const createSqliteDriver = (spec: CollectionSpec<unknown>, file: SqliteFile): Driver =>
  new SqliteDriver(spec, file);
