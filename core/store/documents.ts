// Between what is stored and what a decision sees: upgrades, fields by path, and what a query may name.
import type { StoredDocument } from "./driver.ts";
import type { CollectionSpec, Position, Query, Versioned } from "./port.ts";

/** @throws Error when an upgrade is missing, or a newer release wrote the document. */
function upgraded(spec: CollectionSpec<unknown>, { id, schemaVersion, state }: StoredDocument): unknown {
  if (schemaVersion > spec.schemaVersion)
    throw new Error(
      `${spec.name} ${id} has schemaVersion ${String(schemaVersion)}, this release knows ${String(spec.schemaVersion)}: start the newer one`,
    );
  let current: Record<string, unknown> = state;
  for (let from = schemaVersion; from < spec.schemaVersion; from += 1) {
    const upgrade = spec.upgrades?.[from];
    if (upgrade === undefined) throw new Error(`${spec.name} declares no upgrade from schemaVersion ${String(from)}`);
    current = upgrade(current);
  }
  return current;
}

export function toVersioned<S>(spec: CollectionSpec<S>, document: StoredDocument): Versioned<S> {
  const { id, version, seq } = document;
  return { id, version, seq, state: upgraded(spec, document) as S };
}

/** The value at a dotted path; null when there is none. */
export function valueAt(state: unknown, path: string): unknown {
  let value = state;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null) return null;
    value = (value as Record<string, unknown>)[name];
  }
  return value ?? null;
}

export const indexedFields = (spec: CollectionSpec<unknown>): Set<string> =>
  new Set(spec.indexes.flatMap(index => index.on));

/** @throws TypeError naming a field that the collection does not declare: no database operator ever comes from outside. */
export function checkQuery(spec: CollectionSpec<unknown>, query: Query): void {
  const indexed = indexedFields(spec);
  const named = [...Object.keys(query.where ?? {}), ...(query.orderBy === undefined ? [] : [query.orderBy])];
  const stray = named.find(field => !indexed.has(field));
  if (stray !== undefined) throw new TypeError(`${spec.name} declares no index on ${stray}: add it to its spec`);
  const searched = query.contains?.field;
  if (searched !== undefined && spec.searchable?.includes(searched) !== true)
    throw new TypeError(`${spec.name} does not declare ${searched} as searchable: add it to its spec`);
}

export function positionOf(document: StoredDocument, orderBy: string | undefined): Position {
  const value = orderBy === undefined ? null : valueAt(document.state, orderBy);
  return [typeof value === "string" || typeof value === "number" ? value : null, document.id];
}
