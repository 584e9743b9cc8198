// A document as a row: what is written of it, and how. Every indexed field has a column of its own beside the JSON.
import { indexedFields, valueAt } from "./documents.ts";
import type { StoredDocument, WriteMark } from "./driver.ts";
import type { CollectionSpec } from "./port.ts";
import { columnOf, tablesOf } from "./sqlite-schema.ts";
import type { Row } from "./sqlite-list.ts";

type Value = string | number | null;
interface Change {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** As json_extract gives it: a new column is filled by that. */
function toValue(value: unknown): Value {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" || typeof value === "number" ? value : null;
}

export const toDocument = (row: Row): StoredDocument => ({
  id: row["id"] as string,
  version: row["version"] as number,
  seq: row["seq"] as number,
  schemaVersion: row["schema_version"] as number,
  writes: JSON.parse(row["writes"] as string) as WriteMark[],
  state: JSON.parse(row["body"] as string) as StoredDocument["state"],
});

export function createRows(spec: CollectionSpec<unknown>) {
  const { documents } = tablesOf(spec);
  const fields = [...indexedFields(spec)];
  const always = ["version", "seq", "schema_version", "writes", "body"];
  const columns = [...always, "id", ...fields.map(columnOf)];
  const insertion = `insert into ${documents} (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})`;

  const fixed = ({ version, seq, schemaVersion }: StoredDocument, body: string, writes: string): Value[] => [
    version,
    seq,
    schemaVersion,
    writes,
    body,
  ];
  const fieldOf = ({ state }: StoredDocument, field: string): Value => toValue(valueAt(state, field));

  return {
    insert: (document: StoredDocument, body: string, writes: string): Change => ({
      sql: insertion,
      values: [...fixed(document, body, writes), document.id, ...fields.map(field => fieldOf(document, field))],
    }),

    /** SQLite rewrites the indexes of every column that is set, changed or not: only those that differ from `before` are. */
    update(document: StoredDocument, body: string, writes: string, expected: number, before?: StoredDocument): Change {
      const changed = fields.filter(
        field => before === undefined || fieldOf(before, field) !== fieldOf(document, field),
      );
      const set = [...always, ...changed.map(columnOf)].map(column => `${column} = ?`).join(", ");
      return {
        sql: `update ${documents} set ${set} where id = ? and version = ?`,
        values: [
          ...fixed(document, body, writes),
          ...changed.map(field => fieldOf(document, field)),
          document.id,
          expected,
        ],
      };
    },
  };
}
