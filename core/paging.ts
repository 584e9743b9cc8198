// Cursor pages over a DocumentStore: opaque, stable while others write, and refused when they are not ours.
import { createHash } from "node:crypto";
import type { Page } from "./contracts/common.ts";
import { fail } from "./errors.ts";
import type { DocumentStore, Position, Query, Versioned } from "./store/port.ts";

const DEFAULT_LIMIT = 20;

/** Not a secret: it tells a cursor of this list from any other text. */
const checksum = (list: string, body: string): string =>
  createHash("sha256").update(`${list}\n${body}`).digest("base64url").slice(0, 8);

/** `list` names the list and its filters, so that a cursor of one does not continue another. */
export function encodeCursor(list: string, position: Position): string {
  const body = Buffer.from(JSON.stringify(position)).toString("base64url");
  return `${body}.${checksum(list, body)}`;
}

/** @throws VALIDATION_FAILED for a cursor of another list, or of none */
export function decodeCursor(list: string, cursor: string): Position {
  const [body = "", check] = cursor.split(".");
  if (check !== checksum(list, body)) {
    const detail = "The cursor is not one of this list: take nextCursor of the page before, with the same filters";
    throw fail("VALIDATION_FAILED", detail, { errors: [{ pointer: "/cursor", message: detail }] });
  }
  return JSON.parse(Buffer.from(body, "base64url").toString()) as Position;
}

export async function listPage<S, T>(
  store: DocumentStore<S>,
  query: Omit<Query, "limit" | "after">,
  { limit = DEFAULT_LIMIT, cursor }: { limit?: number; cursor?: string },
  view: (document: Versioned<S>) => T,
): Promise<Page<T>> {
  const list = JSON.stringify(query);
  const after = cursor === undefined ? {} : { after: decodeCursor(list, cursor) };
  const { items, next } = await store.list({ ...query, limit, ...after });
  return { items: items.map(view), nextCursor: next === null ? null : encodeCursor(list, next) };
}
