// The tables of a collection: documents with a column per indexed field, entries, outbox.
import type { DatabaseSync } from "node:sqlite";
import { indexedFields } from "./documents.ts";
import type { CollectionSpec, Index } from "./port.ts";

const NAME = /^[a-z][a-z_]*$/;
const PATH = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Every name that becomes part of a statement passes here; only declared ones exist. */
export function tablesOf(spec: CollectionSpec<unknown>) {
  if (!NAME.test(spec.name)) throw new TypeError(`Not a collection name: ${spec.name}`);
  return { documents: `"${spec.name}"`, entries: `"${spec.name}:entries"`, outbox: `"${spec.name}:outbox"` };
}

function checked(path: string): string {
  if (!PATH.test(path)) throw new TypeError(`Not a field path: ${path}`);
  return path;
}
export const columnOf = (path: string): string => `"f:${checked(path)}"`;
export const extraction = (path: string): string => `json_extract(body, '$.${checked(path)}')`;

function indexName(spec: CollectionSpec<unknown>, { on, unique }: Index): string {
  return `${spec.name}:${unique === true ? "unique" : "index"}:${on.map(checked).join(",")}`;
}

/** The id at the end keeps pages over equal values in one order without sorting. */
const indexStatement = (spec: CollectionSpec<unknown>, index: Index): string =>
  index.unique === true
    ? `create unique index if not exists "${indexName(spec, index)}" on ${tablesOf(spec).documents} (${index.on.map(columnOf).join(", ")})`
    : `create index if not exists "${indexName(spec, index)}" on ${tablesOf(spec).documents} (${[...index.on.map(columnOf), "id"].join(", ")})`;

function createTables(database: DatabaseSync, spec: CollectionSpec<unknown>): void {
  const { documents, entries, outbox } = tablesOf(spec);
  database.exec(`
    create table if not exists ${documents} (id text not null primary key, version integer not null, seq integer not null,
      schema_version integer not null, writes text not null, body text not null);
    create table if not exists ${entries} (id text not null, key text not null, due_at integer, value text not null,
      primary key (id, key)) without rowid;
    create index if not exists "${spec.name}:due" on ${entries} (due_at, id, key) where due_at is not null;
    create table if not exists ${outbox} (position integer primary key, id text not null, seq integer not null, body text not null);
    create unique index if not exists "${spec.name}:outbox:seq" on ${outbox} (id, seq);`);
}

function alignColumns(database: DatabaseSync, spec: CollectionSpec<unknown>): void {
  const { documents } = tablesOf(spec);
  const present = new Set(
    database
      .prepare("select name from pragma_table_info(?)")
      .all(spec.name)
      .map(row => String(row["name"])),
  );
  const fields = indexedFields(spec);
  for (const field of fields) {
    if (present.has(`f:${field}`)) continue;
    database.exec(`alter table ${documents} add column ${columnOf(field)};
      update ${documents} set ${columnOf(field)} = ${extraction(field)}`);
  }
  // A column that nobody writes any more would be wrong when it is declared again.
  for (const name of present)
    if (name.startsWith("f:") && !fields.has(name.slice(2)))
      database.exec(`alter table ${documents} drop column "${name}"`);
}

function dropStaleIndexes(database: DatabaseSync, spec: CollectionSpec<unknown>): void {
  const declared = new Set(spec.indexes.map(index => indexName(spec, index)));
  const found = database
    .prepare("select name from sqlite_schema where type = 'index' and tbl_name = ? and sql is not null")
    .all(spec.name);
  for (const { name } of found)
    if (typeof name === "string" && !declared.has(name)) database.exec(`drop index "${name}"`);
}

/** Brings the tables to what the spec declares; a new index on old documents is filled here. */
export function prepareCollection(database: DatabaseSync, spec: CollectionSpec<unknown>): void {
  database.exec("begin immediate");
  createTables(database, spec);
  dropStaleIndexes(database, spec);
  alignColumns(database, spec);
  for (const index of spec.indexes) database.exec(indexStatement(spec, index));
  database.exec("commit");
}
