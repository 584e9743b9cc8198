// Lists on SQLite: conditions on the columns of indexed fields, pages by (field, id).
import type { StatementSync } from "node:sqlite";
import type { Query, Range, Scalar } from "./port.ts";
import { columnOf, extraction } from "./sqlite-schema.ts";

type Parameter = string | number | null;
interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}
export type Row = ReturnType<StatementSync["all"]>[number];

const operators = { gte: ">=", gt: ">", lte: "<=", lt: "<" } as const;

function whereField([field, wanted]: [string, Scalar | Range]): Condition[] {
  const column = columnOf(field);
  if (wanted === null) return [{ sql: `${column} is null`, parameters: [] }];
  if (typeof wanted !== "object")
    return [{ sql: `${column} = ?`, parameters: [typeof wanted === "boolean" ? Number(wanted) : wanted] }];
  return (["gte", "gt", "lte", "lt"] as const).flatMap(name => {
    const bound = wanted[name];
    return bound === undefined ? [] : [{ sql: `${column} ${operators[name]} ?`, parameters: [bound] }];
  });
}

function conditionsOf({ where = {}, contains }: Query): Condition[] {
  const conditions = Object.entries(where).flatMap(whereField);
  if (contains !== undefined)
    conditions.push({ sql: `instr(${extraction(contains.field)}, ?) > 0`, parameters: [contains.text] });
  return conditions;
}

/**
 * The list as stretches read one after another, each of which an index can serve in its order: documents without the
 * field stand before all others (after them, descending), and no row comparison finds them.
 */
function stretches({ where, orderBy, direction = "asc", after }: Query): Condition[][] {
  const beyond = direction === "asc" ? ">" : "<";
  const afterId = after === undefined ? [] : [{ sql: `id ${beyond} ?`, parameters: [after[1]] }];
  if (orderBy === undefined) return [afterId];
  const column = columnOf(orderBy);
  const missing = { sql: `${column} is null`, parameters: [] };
  const present = { sql: `${column} is not null`, parameters: [] };
  const [value, id] = after ?? [null, ""];
  const wanted = where?.[orderBy] ?? null;
  // A condition on the field itself is never met by a document without it.
  if (wanted !== null && value === null) return [[]];
  if (after !== undefined && value === null)
    return direction === "asc" ? [[missing, ...afterId], [present]] : [[missing, ...afterId]];
  const first = value === null ? present : { sql: `(${column}, id) ${beyond} (?, ?)`, parameters: [value, id] };
  if (wanted !== null) return [[first]];
  if (direction === "desc") return [[first], [missing]];
  return after === undefined ? [[missing], [present]] : [[first]];
}

export function listRows(prepare: (sql: string) => StatementSync, table: string, query: Query): Row[] {
  const filters = conditionsOf(query);
  const direction = query.direction === "desc" ? "desc" : "asc";
  const order =
    query.orderBy === undefined ? `id ${direction}` : `${columnOf(query.orderBy)} ${direction}, id ${direction}`;
  const rows: Row[] = [];
  for (const stretch of stretches(query)) {
    if (rows.length >= query.limit) break;
    const conditions = [...filters, ...stretch];
    const where = conditions.length === 0 ? "" : ` where ${conditions.map(({ sql }) => sql).join(" and ")}`;
    const parameters = conditions.flatMap(condition => condition.parameters);
    const statement = prepare(`select * from ${table}${where} order by ${order} limit ?`);
    rows.push(...statement.all(...parameters, query.limit - rows.length));
  }
  return rows;
}
