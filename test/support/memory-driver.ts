// The store's driver in memory, with the same promises as the real ones. The storage is apart from the client, so that a
// process that "died" can be started again on what it left.
import type { CloudEvent } from "../../core/contracts/common.ts";
import { createDatabase, type StoreDatabase } from "../../core/store/database.ts";
import { valueAt } from "../../core/store/documents.ts";
import {
  DUE_LIMIT,
  type Ask,
  type Driver,
  type Loaded,
  type StoredDocument,
  type Write,
  type WriteOutcome,
} from "../../core/store/driver.ts";
import { withFaults, type Faults } from "./faulty-driver.ts";
import { parseFrozen } from "./frozen.ts";
import type { StoreOptions } from "../../core/store/writer.ts";
import type { CollectionSpec, Query, Range, Scalar } from "../../core/store/port.ts";

interface StoredEvent {
  readonly position: number;
  readonly seq: number;
  readonly json: string;
}

/** What survives the process: as JSON, so that nobody shares an object with it. */
interface Table {
  readonly documents: Map<string, string>;
  readonly entries: Map<string, Map<string, { readonly json: string; readonly dueAt: number | null }>>;
  readonly outbox: Map<string, StoredEvent[]>;
  /** Who has which values of each unique index. */
  readonly owners: readonly { readonly on: readonly string[]; readonly ids: Map<string, string> }[];
  positions: number;
}
export type MemoryStorage = Map<string, Table>;
export const createMemoryStorage = (): MemoryStorage => new Map();

function rank(value: unknown): number {
  return value === null ? 0 : typeof value === "number" ? 1 : typeof value === "string" ? 2 : 3;
}
function compare(a: unknown, b: unknown): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a === b || a === null) return 0;
  return (a as string) < (b as string) ? -1 : 1;
}

function fits(value: unknown, condition: Scalar | Range): boolean {
  if (condition === null || typeof condition !== "object") return value === condition;
  const { gte, gt, lte, lt } = condition;
  if (value === null) return false;
  return (
    (gte === undefined || compare(value, gte) >= 0) &&
    (gt === undefined || compare(value, gt) > 0) &&
    (lte === undefined || compare(value, lte) <= 0) &&
    (lt === undefined || compare(value, lt) < 0)
  );
}

function matches({ state }: StoredDocument, { where = {}, contains }: Query): boolean {
  if (!Object.entries(where).every(([field, condition]) => fits(valueAt(state, field), condition))) return false;
  if (contains === undefined) return true;
  const value = valueAt(state, contains.field);
  return typeof value === "string" && value.includes(contains.text);
}

function select(documents: StoredDocument[], query: Query): StoredDocument[] {
  const { orderBy, after, direction = "asc", limit } = query;
  const sign = direction === "asc" ? 1 : -1;
  const key = (document: StoredDocument) => (orderBy === undefined ? null : valueAt(document.state, orderBy));
  const order = (value: unknown, id: string, otherValue: unknown, otherId: string): number =>
    sign * (compare(value, otherValue) || compare(id, otherId));
  return documents
    .filter(document => matches(document, query))
    .filter(document => after === undefined || order(key(document), document.id, after[0], after[1]) > 0)
    .sort((a, b) => order(key(a), a.id, key(b), b.id))
    .slice(0, limit);
}

function createTable(spec: CollectionSpec<unknown>): Table {
  const owners = spec.indexes.filter(index => index.unique === true).map(({ on }) => ({ on, ids: new Map() }));
  return { documents: new Map(), entries: new Map(), outbox: new Map(), owners, positions: 0 };
}

const valuesOf = (on: readonly string[], document: StoredDocument): string =>
  JSON.stringify(on.map(field => valueAt(document.state, field)));

/** The first field of the unique index that the document would violate; claims the values when there is none. */
function claim({ owners }: Table, before: StoredDocument | null, document: StoredDocument): string | null {
  for (const { on, ids } of owners)
    if ((ids.get(valuesOf(on, document)) ?? document.id) !== document.id) return on[0] ?? null;
  for (const { on, ids } of owners) {
    if (before !== null) ids.delete(valuesOf(on, before));
    ids.set(valuesOf(on, document), document.id);
  }
  return null;
}

export function createMemoryDriver(spec: CollectionSpec<unknown>, storage: MemoryStorage): Driver {
  const table = storage.get(spec.name) ?? createTable(spec);
  storage.set(spec.name, table);
  const known = new Map<string, { readonly json: string; readonly document: StoredDocument }>();

  /** Parsed once per write, for a list would else parse the whole table, and frozen, for all who read it share it. */
  function look(id: string): StoredDocument | null {
    const json = table.documents.get(id);
    if (json === undefined) return null;
    const seen = known.get(id);
    if (seen?.json === json) return seen.document;
    const document = parseFrozen(json) as StoredDocument;
    known.set(id, { json, document });
    return document;
  }

  const list = (query: Query): StoredDocument[] =>
    select(
      [...table.documents.keys()].flatMap(id => look(id) ?? []),
      query,
    );

  function readOne({ id, keys, dueBy, pending, whole }: Ask): Loaded {
    const entries = table.entries.get(id) ?? new Map<string, { json: string; dueAt: number | null }>();
    const due = dueBy === null ? [] : [...entries].filter(([, { dueAt }]) => dueAt !== null && dueAt <= dueBy);
    due.sort(([, a], [, b]) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
    const found = new Map<string, { value: unknown; dueAt: number | null }>();
    const all = whole === true ? entries.keys() : [];
    for (const key of [...due.slice(0, DUE_LIMIT).map(([name]) => name), ...keys, ...all]) {
      const entry = entries.get(key);
      if (entry !== undefined) found.set(key, { value: JSON.parse(entry.json) as unknown, dueAt: entry.dueAt });
    }
    return {
      document: look(id),
      entries: found,
      pending: pending === true ? (table.outbox.get(id)?.length ?? 0) : 0,
    };
  }

  function writeOne({ document, expected, events, entries }: Write): WriteOutcome {
    const before = look(document.id);
    if ((before?.version ?? 0) !== expected) return { kind: "conflict" };
    const field = claim(table, before, document);
    if (field !== null) return { kind: "duplicate", field };
    table.documents.set(document.id, JSON.stringify(document));
    const own = table.entries.get(document.id) ?? new Map<string, { json: string; dueAt: number | null }>();
    table.entries.set(document.id, own);
    for (const [key, entry] of entries) {
      if (entry === null) own.delete(key);
      else own.set(key, { json: JSON.stringify(entry.value), dueAt: entry.dueAt });
    }
    const outbox = table.outbox.get(document.id) ?? [];
    table.outbox.set(document.id, outbox);
    for (const event of events)
      outbox.push({ position: (table.positions += 1), seq: event.sequence, json: JSON.stringify(event) });
    return { kind: "written" };
  }

  function pendingOf(ids: readonly string[], limit: number): CloudEvent[] {
    const events = ids.flatMap(id => table.outbox.get(id) ?? []);
    return events.slice(0, limit).map(({ json }) => JSON.parse(json) as CloudEvent);
  }

  function pending(limit: number, parked: ReadonlySet<string>): CloudEvent[] {
    const open = [...table.outbox].flatMap(([id, events]) => (parked.has(id) ? [] : events));
    open.sort((a, b) => a.position - b.position);
    return open.slice(0, limit).map(({ json }) => JSON.parse(json) as CloudEvent);
  }

  function acknowledge(id: string, seq: number): number {
    const events = table.outbox.get(id) ?? [];
    const left = events.filter(event => event.seq > seq);
    if (left.length === 0) table.outbox.delete(id);
    else table.outbox.set(id, left);
    return events.length - left.length;
  }

  const due = (now: number, limit: number) =>
    [...table.entries]
      .flatMap(([id, own]) => [...own].map(([key, { dueAt }]) => ({ id, key, dueAt: dueAt ?? Infinity })))
      .filter(({ dueAt }) => dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt || compare(a.id, b.id) || compare(a.key, b.key))
      .slice(0, limit)
      .map(({ id, key }) => ({ id, key }));

  return {
    durable: () => Promise.resolve(),
    read: asks => Promise.resolve(asks.map(readOne)),
    write: writes => Promise.resolve(writes.map(writeOne)),
    list: query => Promise.resolve(list(query)),
    count: () => Promise.resolve(table.documents.size),
    due: (now, limit) => Promise.resolve(due(now, limit)),
    pending: (limit, parked) => Promise.resolve(pending(limit, parked)),
    pendingOf: (ids, limit) => Promise.resolve(pendingOf(ids, limit)),
    acknowledge: acks => Promise.resolve(acks.reduce((taken, { id, seq }) => taken + acknowledge(id, seq), 0)),
    pendingCount: () => Promise.resolve([...table.outbox.values()].reduce((sum, events) => sum + events.length, 0)),
  };
}

/** A client of the storage; open another one on the same storage to start again after a "crash". */
export const openMemoryDatabase = (storage: MemoryStorage, options: StoreOptions, faults: Faults = {}): StoreDatabase =>
  createDatabase(
    withFaults(spec => createMemoryDriver(spec, storage), faults),
    options,
  );
