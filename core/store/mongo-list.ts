// Lists on MongoDB: conditions on the indexed fields of the state, pages by (field, id).
import type { Document, Filter, Sort } from "mongodb";
import { pathOf, type DocumentRow } from "./mongo-rows.ts";
import type { Query, Range, Scalar } from "./port.ts";

type Condition = Record<string, unknown>;

/** Null finds documents without the field too. A bare value is equality, and what every server can look up in an index. */
function whereField([field, wanted]: [string, Scalar | Range]): [string, unknown] {
  if (typeof wanted !== "object" || wanted === null) return [pathOf(field), wanted];
  const bounds = (["gte", "gt", "lte", "lt"] as const).flatMap(name =>
    wanted[name] === undefined ? [] : [[`$${name}`, wanted[name]] as const],
  );
  return [pathOf(field), bounds.length === 0 ? { $exists: true } : Object.fromEntries(bounds)];
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("\0", "\\x00");

/** What comes after the position. Documents without the field stand before all others (after them, descending). */
function beyond({ orderBy, direction = "asc", after }: Query): Condition[] {
  if (after === undefined) return [];
  const [value, id] = after;
  const further = direction === "asc" ? "$gt" : "$lt";
  const nextId = { _id: { [further]: id } };
  if (orderBy === undefined) return [nextId];
  const path = pathOf(orderBy);
  const missing = { [path]: { $eq: null } };
  if (value === null) {
    const rest = { ...missing, ...nextId };
    return [direction === "asc" ? { $or: [rest, { [path]: { $ne: null } }] } : rest];
  }
  const same = { [path]: { $eq: value }, ...nextId };
  const other = { [path]: { [further]: value } };
  return [{ $or: direction === "asc" ? [same, other] : [same, other, missing] }];
}

export function filterOf(query: Query): Filter<DocumentRow> {
  const where: Condition = Object.fromEntries(Object.entries(query.where ?? {}).map(whereField));
  const more = beyond(query);
  if (query.contains !== undefined)
    more.push({ [pathOf(query.contains.field)]: { $regex: literally(query.contains.text) } });
  return (more.length === 0 ? where : { ...where, $and: more }) as Filter<Document> as Filter<DocumentRow>;
}

export function sortOf({ orderBy, direction }: Query): Sort {
  const sign = direction === "desc" ? -1 : 1;
  return orderBy === undefined ? { _id: sign } : { [pathOf(orderBy)]: sign, _id: sign };
}
