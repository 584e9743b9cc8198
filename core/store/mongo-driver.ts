// The store's driver on MongoDB: a document holds its state, its events and the entries of its last write (ADR 15).
import type { Collection } from "mongodb";
import { LRUCache } from "lru-cache";
import type { CloudEvent } from "../contracts/common.ts";
import { fail } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Acknowledgement, Ask, Driver, Loaded, StoredDocument, Write, WriteOutcome } from "./driver.ts";
import type { MongoConnection } from "./mongo-adapter.ts";
import { bounded, OPERATION_MS, reading } from "./mongo-client.ts";
import { dueOf, entriesAt, MongoEntries, type EntryRow, type FreshOf } from "./mongo-entries.ts";
import { createDocumentIndexes, documentsOf } from "./mongo-indexes.ts";
import { filterOf, sortOf } from "./mongo-list.ts";
import * as outbox from "./mongo-outbox.ts";
import { toDocument, type DocumentRow, type Fresh } from "./mongo-rows.ts";
import { MongoWrites } from "./mongo-write.ts";
import type { CollectionSpec, DueEntry, Query } from "./port.ts";

/** At a document and its entries until both are of one version; each needs others to have written in between. */
const LOOKS = 12;
/** What was read longer ago is read anew before a write: far below the time that deleted entries keep a row. */
const STALE_MS = 60_000;
/** Documents that are being worked on, and their fresh entries, counted together. */
const REMEMBERED = 20_000;

const stateFields = { version: 1, seq: 1, schemaVersion: 1, writes: 1, state: 1 } as const;

interface Seen {
  readonly version: number;
  readonly fresh: Fresh | null;
  readonly at: number;
}

const asksForEntries = ({ keys, dueBy, whole }: Ask): boolean => keys.length > 0 || dueBy !== null || whole === true;

/** Null when the rows are of a later version than the document. */
function toLoaded(ask: Ask, row: DocumentRow | undefined, rows: readonly EntryRow[]): Loaded | null {
  if (row === undefined) return { document: null, entries: new Map(), pending: 0 };
  const entries = entriesAt(ask, row, rows);
  if (entries === null) return null;
  const oldest = row.outbox?.[0]?.seq;
  const pending = ask.pending === true && oldest !== undefined ? row.seq - oldest + 1 : 0;
  return { document: toDocument(row), entries, pending };
}

class MongoDriver implements Driver {
  readonly #spec: CollectionSpec<unknown>;
  readonly #connection: MongoConnection;
  readonly #now: () => number;
  readonly #entries: MongoEntries;
  readonly #writes: MongoWrites;
  /** As last read: what has to be flushed before the next write. */
  readonly #seen = new LRUCache<string, Seen>({
    maxSize: REMEMBERED,
    sizeCalculation: ({ fresh }) => 1 + (fresh?.entries.length ?? 0),
  });

  constructor(spec: CollectionSpec<unknown>, connection: MongoConnection, { now }: Pick<Clock, "now">) {
    this.#spec = spec;
    this.#connection = connection;
    this.#now = now;
    this.#entries = new MongoEntries(spec, () => connection.db(), now);
    this.#writes = new MongoWrites(spec, this.#documents, new outbox.Positions(now));
    connection.onOpen(db => createDocumentIndexes(db, spec));
  }

  /** What a majority has is all that is ever read. */
  durable(): Promise<void> {
    return Promise.resolve();
  }

  read(asks: readonly Ask[]): Promise<Loaded[]> {
    return reading(async () => {
      const loaded = new Map<number, Loaded>();
      for (let look = 1; loaded.size < asks.length; look += 1) {
        if (look > LOOKS) throw fail("CONFLICT", "Other writers were faster again and again: try it again");
        const open = [...asks.entries()].filter(([index]) => !loaded.has(index));
        await this.#look(open, loaded);
      }
      return asks.flatMap((_ask, index) => loaded.get(index) ?? []);
    });
  }

  /** One that was given up may still be applied: its write id tells, also when it has been written again (ADR 2). */
  write(writes: readonly Write[]): Promise<WriteOutcome[]> {
    return bounded(this.#write(writes));
  }

  async #write(writes: readonly Write[]): Promise<WriteOutcome[]> {
    await this.#connection.prepared();
    const overtaken = await this.#flushBefore(
      writes.filter(({ entries, expected }) => entries.size > 0 && expected > 0),
    );
    const outcomes = await this.#writes.apply(writes.filter(write => !overtaken.has(write)));
    return writes.map(write => outcomes.get(write) ?? { kind: "conflict" });
  }

  list(query: Query): Promise<StoredDocument[]> {
    return reading(async () => {
      const rows = await this.#documents()
        .find(filterOf(query), { projection: stateFields })
        .sort(sortOf(query))
        .limit(query.limit)
        .toArray();
      return rows.map(toDocument);
    });
  }

  /** From the collection's own books, not by looking at each. */
  count(): Promise<number> {
    return reading(() => this.#documents().estimatedDocumentCount());
  }

  due(now: number, limit: number): Promise<DueEntry[]> {
    return reading(async () => {
      await this.#entries.sweep();
      return this.#due(now, limit);
    });
  }

  pending(limit: number, parked: ReadonlySet<string>): Promise<CloudEvent[]> {
    if (this.#spec.eventless === true) return Promise.resolve([]);
    return reading(() => outbox.pending(this.#documents, limit, parked));
  }

  pendingOf(ids: readonly string[], limit: number): Promise<CloudEvent[]> {
    return reading(() => outbox.pendingOf(this.#documents, ids, limit));
  }

  /** Of no conditional kind: once more does no harm, so its failures are those of a read. */
  acknowledge(acknowledgements: readonly Acknowledgement[]): Promise<number> {
    return reading(() => outbox.acknowledge(this.#documents, acknowledgements));
  }

  pendingCount(): Promise<number> {
    return reading(() => outbox.pendingCount(this.#documents));
  }

  readonly #documents = (): Collection<DocumentRow> =>
    this.#connection.db().collection<DocumentRow>(documentsOf(this.#spec), { timeoutMS: OPERATION_MS });

  /** First the documents, then the rows: whatever of a document was flushed before it was read is then among the rows. */
  async #look(asks: readonly (readonly [index: number, ask: Ask])[], loaded: Map<number, Loaded>): Promise<void> {
    const documents = await this.#load(asks.map(([, ask]) => ask));
    const withEntries = asks
      .map(([, ask]) => ask)
      .filter(ask => asksForEntries(ask) && documents.get(ask.id)?.fresh !== undefined);
    const rows = await this.#entries.rowsFor(withEntries);
    for (const [index, ask] of asks) {
      const own = asksForEntries(ask) ? (rows.get(ask.id) ?? []) : [];
      const found = toLoaded(ask, documents.get(ask.id), own);
      if (found !== null) loaded.set(index, found);
    }
  }

  async #load(asks: readonly Ask[]): Promise<Map<string, DocumentRow>> {
    const isWithEntries = asks.some(asksForEntries);
    const projection = {
      ...stateFields,
      ...(isWithEntries ? { fresh: 1 } : {}),
      ...(asks.some(ask => ask.pending === true) ? { outbox: { $slice: 1 } } : {}),
    };
    const at = this.#now();
    const rows = await this.#documents()
      .find({ _id: { $in: asks.map(({ id }) => id) } }, { projection })
      .toArray();
    if (isWithEntries) for (const { _id, version, fresh = null } of rows) this.#seen.set(_id, { version, fresh, at });
    return new Map(rows.map(row => [row._id, row]));
  }

  /** @returns the writes whose documents are at another version already */
  async #flushBefore(writes: readonly Write[]): Promise<ReadonlySet<Write>> {
    if (writes.length === 0) return new Set();
    const isKnown = ({ document: { id }, expected }: Write): boolean => {
      const seen = this.#seen.get(id);
      return seen?.version === expected && this.#now() - seen.at < STALE_MS;
    };
    const forgotten = writes.filter(write => !isKnown(write));
    if (forgotten.length > 0)
      await this.#load(forgotten.map(({ document: { id } }) => ({ id, keys: [], dueBy: null, whole: true })));
    const overtaken = new Set(writes.filter(write => !isKnown(write)));
    const changes = writes
      .filter(write => !overtaken.has(write))
      .flatMap(({ document: { id } }): FreshOf[] => {
        const fresh = this.#seen.get(id)?.fresh ?? null;
        return fresh === null ? [] : [{ id, fresh }];
      });
    await this.#entries.flush(changes);
    return overtaken;
  }

  /** Rows and fresh entries together, each key by the later of the two. */
  async #due(now: number, limit: number): Promise<DueEntry[]> {
    let found: DueEntry[] = [];
    for (let look = 1; look <= LOOKS; look += 1) {
      const [rows, documents] = await Promise.all([this.#entries.due(now, limit), this.#withFreshDue(now, limit)]);
      const known = new Set(documents.map(({ id }) => id));
      const others = new Set(rows.flatMap(({ doc }) => (known.has(doc) ? [] : doc)));
      const fresh = [...documents, ...(await this.#freshOf([...others]))];
      const { due, stale } = dueOf(rows, fresh, now);
      found = due.slice(0, limit);
      // Else the rows of documents that nobody writes any more would stand before all others for ever.
      await this.#entries.flush(fresh.filter(({ id }) => stale.has(id)));
      if (stale.size === 0 || rows.length < limit) break;
    }
    return found;
  }

  async #withFreshDue(now: number, limit: number): Promise<FreshOf[]> {
    return this.#toFresh(
      await this.#documents()
        .find({ "fresh.due": { $lte: now } }, { projection: { fresh: 1 } })
        .sort({ "fresh.due": 1 })
        .limit(limit)
        .toArray(),
    );
  }

  async #freshOf(ids: readonly string[]): Promise<FreshOf[]> {
    if (ids.length === 0) return [];
    return this.#toFresh(
      await this.#documents()
        .find({ _id: { $in: [...ids] } }, { projection: { fresh: 1 } })
        .toArray(),
    );
  }

  #toFresh(rows: readonly Pick<DocumentRow, "_id" | "fresh">[]): FreshOf[] {
    return rows.flatMap(({ _id, fresh }) => (fresh === undefined ? [] : [{ id: _id, fresh }]));
  }
}

export const createMongoDriver = (
  spec: CollectionSpec<unknown>,
  connection: MongoConnection,
  clock: Pick<Clock, "now">,
): Driver => new MongoDriver(spec, connection, clock);
