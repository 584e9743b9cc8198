// The indexes of a collection in MongoDB: made at the start, by several processes at once if need be.
import { MongoServerError, type Db, type IndexDescription } from "mongodb";
import { StartupError } from "../startup-error.ts";
import { serverCode } from "./mongo-client.ts";
import { pathOf } from "./mongo-rows.ts";
import type { CollectionSpec, Index } from "./port.ts";

const NAME = /^[a-z][a-z_]*$/;
const PATH = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

function checkedName(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`Not a collection name: ${name}`);
  return name;
}
export const documentsOf = (spec: CollectionSpec<unknown>): string => checkedName(spec.name);
/** Ends the name of the collection that holds another one's entries. */
export const ENTRIES = "_entries";
export const entriesOf = (spec: CollectionSpec<unknown>): string => checkedName(spec.name) + ENTRIES;

export const OUTBOX_INDEX = "outbox";

export const indexName = ({ on, unique }: Index): string => `${unique === true ? "unique" : "index"}:${on.join(",")}`;

function describe(index: Index): IndexDescription {
  const stray = index.on.find(field => !PATH.test(field));
  if (stray !== undefined) throw new TypeError(`Not a field path: ${stray}`);
  const fields = index.on.map((field): [string, 1] => [pathOf(field), 1]);
  if (index.unique === true) return { key: Object.fromEntries(fields), name: indexName(index), unique: true };
  // The id at the end keeps pages over equal values in one order without sorting.
  return { key: Object.fromEntries([...fields, ["_id", 1]]), name: indexName(index) };
}

const documentIndexes = (spec: CollectionSpec<unknown>): IndexDescription[] => [
  ...spec.indexes.map(describe),
  // Sparse: an empty outbox, as nearly all are, takes no place in it.
  ...(spec.eventless === true ? [] : [{ key: { "outbox.at": 1 as const }, name: OUTBOX_INDEX, sparse: true }]),
  { key: { "fresh.due": 1 }, name: "fresh:due", sparse: true },
];

const entryIndexes: IndexDescription[] = [
  { key: { doc: 1, dueAt: 1 }, name: "doc" },
  { key: { dueAt: 1 }, name: "due", sparse: true },
  { key: { deleted: 1 }, name: "deleted", sparse: true },
];

/** Of createIndexes: there is one of this name or on these fields with other options. */
const OTHER_OPTIONS = [85, 86];
const DUPLICATE_KEY = 11000;

/** Making one that exists does nothing; a build that another process began is waited for. */
async function create(db: Db, collection: string, indexes: IndexDescription[]): Promise<void> {
  const where = `${db.databaseName}.${collection}`;
  try {
    if (indexes.length > 0) await db.collection(collection).createIndexes(indexes);
  } catch (error) {
    const said = error instanceof MongoServerError ? error.message : "";
    if (OTHER_OPTIONS.includes(serverCode(error) ?? 0))
      throw new StartupError(
        `${where} has an index that differs from the one this release declares: drop it (${said})`,
        {
          cause: error,
        },
      );
    if (serverCode(error) === DUPLICATE_KEY)
      throw new StartupError(`${where} holds a value twice that must be unique: mend the documents first (${said})`, {
        cause: error,
      });
    throw error;
  }
}

export const createDocumentIndexes = (db: Db, spec: CollectionSpec<unknown>): Promise<void> =>
  create(db, documentsOf(spec), documentIndexes(spec));

export const createEntryIndexes = (db: Db, spec: CollectionSpec<unknown>): Promise<void> =>
  create(db, entriesOf(spec), entryIndexes);
