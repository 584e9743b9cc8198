// The entries of documents as rows of their own, one write behind the documents: ADR 15 has the argument.
import { MongoBulkWriteError, type AnyBulkWriteOperation, type Collection, type Db } from "mongodb";
import { DUE_LIMIT, type Ask, type StoredEntry } from "./driver.ts";
import { OPERATION_MS } from "./mongo-client.ts";
import { createEntryIndexes, entriesOf } from "./mongo-indexes.ts";
import { toEntry, type DocumentRow, type Fresh, type FreshEntry } from "./mongo-rows.ts";
import type { CollectionSpec, DueEntry } from "./port.ts";

export interface EntryRow {
  readonly _id: string;
  readonly doc: string;
  readonly key: string;
  /** The document's version that wrote it. */
  readonly v: number;
  readonly value?: unknown;
  readonly dueAt?: number;
  /** When the row was told that the entry is gone, in ms since the epoch. */
  readonly deleted?: number;
}

export interface FreshOf {
  readonly id: string;
  readonly fresh: Fresh;
}

const DUPLICATE_KEY = 11000;
/** Deleted entries keep a row this long, so that a flush which was long on its way cannot bring them back. */
const GRACE_MS = 3_600_000;
const SWEEP_MS = 60_000;
const SWEEP_ROWS = 1_000;

const rowId = (id: string, key: string): string => JSON.stringify([id, key]);

function toRow(id: string, version: number, { key, value, dueAt, deleted }: FreshEntry, now: number): EntryRow {
  const same = { _id: rowId(id, key), doc: id, key, v: version };
  if (deleted !== undefined) return { ...same, deleted: now };
  return { ...same, value, ...(dueAt === undefined ? {} : { dueAt }) };
}

/** The numbers of the operations that met a row already there. @throws any other error */
function refusedByRows(error: unknown): number[] {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) throw error;
  const errors = [error.writeErrors].flat();
  if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  return errors.map(({ index }) => index);
}

/** What the rows and the document's own last write say together; null when the rows are of a later version. */
export function entriesAt(
  { keys, dueBy, whole }: Ask,
  document: DocumentRow,
  rows: readonly EntryRow[],
): Map<string, StoredEntry> | null {
  if (rows.some(({ v }) => v > document.version)) return null;
  const found = new Map<string, StoredEntry>();
  const put = (key: string, entry: StoredEntry | undefined): void => {
    if (entry === undefined) found.delete(key);
    else found.set(key, entry);
  };
  for (const row of rows) put(row.key, toEntry(row));
  const named = new Set(keys);
  const isDue = ({ dueAt }: StoredEntry): boolean => dueBy !== null && dueAt !== null && dueAt <= dueBy;
  for (const changed of document.fresh?.entries ?? []) {
    const entry = toEntry(changed);
    const isAsked = whole === true || named.has(changed.key) || (entry !== undefined && isDue(entry));
    put(changed.key, isAsked ? entry : undefined);
  }
  if (dueBy === null) return found;
  const due = [...found].filter(([, entry]) => isDue(entry));
  due.sort(([, one], [, other]) => (one.dueAt ?? 0) - (other.dueAt ?? 0));
  return new Map([...due.slice(0, DUE_LIMIT), ...[...found].filter(([key]) => named.has(key) || whole === true)]);
}

/** What is due, earliest first, and the documents whose rows are behind their own last write. */
export function dueOf(
  rows: readonly EntryRow[],
  fresh: readonly FreshOf[],
  now: number,
): { readonly due: DueEntry[]; readonly stale: ReadonlySet<string> } {
  const due = new Map<string, DueEntry & { readonly dueAt: number }>();
  const written = new Map<string, number>();
  for (const { id, fresh: last } of fresh) {
    for (const { key, dueAt } of last.entries) {
      written.set(rowId(id, key), last.version);
      if (dueAt !== undefined && dueAt <= now) due.set(rowId(id, key), { id, key, dueAt });
    }
  }
  const stale = new Set<string>();
  for (const { _id, doc, key, v, dueAt = 0 } of rows) {
    if (v < (written.get(_id) ?? 0)) stale.add(doc);
    else due.set(_id, { id: doc, key, dueAt });
  }
  const sorted = [...due.values()].sort((one, other) => one.dueAt - other.dueAt);
  return { due: sorted.map(({ id, key }) => ({ id, key })), stale };
}

export class MongoEntries {
  readonly #spec: CollectionSpec<unknown>;
  readonly #db: () => Db;
  readonly #now: () => number;
  #isReady: Promise<void> | null = null;
  #sweepAt = 0;

  constructor(spec: CollectionSpec<unknown>, db: () => Db, now: () => number) {
    this.#spec = spec;
    this.#db = db;
    this.#now = now;
  }

  /** The rows that the asks need, by document. Read after the documents: then none of theirs is missing. */
  async rowsFor(asks: readonly Ask[]): Promise<Map<string, EntryRow[]>> {
    const ids = asks.flatMap(({ id, keys, whole }) => (whole === true ? [] : keys.map(key => rowId(id, key))));
    const whole = asks.filter(ask => ask.whole === true).map(({ id }) => id);
    const rows = this.#rows();
    const found = await Promise.all([
      ids.length === 0 ? [] : rows.find({ _id: { $in: ids } }).toArray(),
      whole.length === 0 ? [] : rows.find({ doc: { $in: whole } }).toArray(),
      ...asks.flatMap(({ id, dueBy }) =>
        dueBy === null
          ? []
          : [
              rows
                .find({ doc: id, dueAt: { $lte: dueBy } })
                .sort({ dueAt: 1 })
                .limit(DUE_LIMIT)
                .toArray(),
            ],
      ),
    ]);
    return Map.groupBy(found.flat(), ({ doc }) => doc);
  }

  async due(now: number, limit: number): Promise<EntryRow[]> {
    return this.#rows()
      .find({ dueAt: { $lte: now } }, { projection: { value: 0 } })
      .sort({ dueAt: 1 })
      .limit(limit)
      .toArray();
  }

  /** Repeating does no harm, and what is late changes nothing: a row only ever takes a later version. */
  async flush(changes: readonly FreshOf[]): Promise<void> {
    const now = this.#now();
    const rows = changes.flatMap(({ id, fresh }) => fresh.entries.map(entry => toRow(id, fresh.version, entry, now)));
    if (rows.length === 0) return;
    await this.#ready();
    const refused = await this.#put(rows, true);
    // Somebody made these rows in the same moment: theirs are as late or later, and this looks which.
    await this.#put(
      rows.filter((_row, index) => refused.has(index)),
      false,
    );
  }

  /** Takes away what has been deleted long enough. Once a minute at most. */
  async sweep(): Promise<void> {
    const now = this.#now();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    const old = { deleted: { $lte: now - GRACE_MS } };
    const rows = await this.#rows()
      .find(old, { projection: { _id: 1 } })
      .limit(SWEEP_ROWS)
      .toArray();
    if (rows.length > 0) await this.#rows().deleteMany({ _id: { $in: rows.map(({ _id }) => _id) }, ...old });
  }

  async #put(rows: readonly EntryRow[], upsert: boolean): Promise<ReadonlySet<number>> {
    if (rows.length === 0) return new Set();
    const operations = rows.map(({ _id, ...replacement }): AnyBulkWriteOperation<EntryRow> => ({
      replaceOne: { filter: { _id, v: { $lt: replacement.v } }, replacement, upsert },
    }));
    try {
      await this.#rows().bulkWrite(operations, { ordered: false });
      return new Set();
    } catch (error) {
      return new Set(refusedByRows(error));
    }
  }

  #rows(): Collection<EntryRow> {
    return this.#db().collection<EntryRow>(entriesOf(this.#spec), { timeoutMS: OPERATION_MS });
  }

  /** Most collections never have entries: theirs are made with the first. */
  #ready(): Promise<void> {
    this.#isReady ??= createEntryIndexes(this.#db(), this.#spec).catch((error: unknown) => {
      this.#isReady = null;
      throw error;
    });
    return this.#isReady;
  }
}
