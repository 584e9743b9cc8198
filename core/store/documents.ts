// Between what is stored and what a decision sees: upgrades, fields by path, and what a query may name.
import { fail } from "../errors.ts";
import type { StoredDocument } from "./driver.ts";
import type { CollectionSpec, Position, Query, Versioned } from "./port.ts";

type State = Readonly<Record<string, unknown>>;

/** A newer release shares the database: its document is its own, and another process may answer for it. */
const tooNew = (spec: CollectionSpec<unknown>, { id, schemaVersion }: StoredDocument): Error =>
  fail(
    "SERVICE_UNAVAILABLE",
    `${spec.name} ${id} has schemaVersion ${String(schemaVersion)}, this release knows ${String(spec.schemaVersion)}: start the newer one`,
    { retryAfter: 1 },
  );

/** @throws Error when an upgrade is missing; SERVICE_UNAVAILABLE when a newer release wrote the document. */
function upgraded(spec: CollectionSpec<unknown>, document: StoredDocument): unknown {
  if (document.schemaVersion > spec.schemaVersion) throw tooNew(spec, document);
  let current: Record<string, unknown> = document.state;
  for (let from = document.schemaVersion; from < spec.schemaVersion; from += 1) {
    const upgrade = spec.upgrades?.[from];
    if (upgrade === undefined) throw new Error(`${spec.name} declares no upgrade from schemaVersion ${String(from)}`);
    current = upgrade(current);
  }
  return current;
}

/**
 * The shape that a state is written in: the one that the release before reads too, unless the document has got further already.
 * @param before as it is stored now
 * @throws Error when a way back is missing
 */
export function toStored(
  spec: CollectionSpec<unknown>,
  before: Pick<StoredDocument, "schemaVersion"> | null,
  state: State,
): Pick<StoredDocument, "schemaVersion" | "state"> {
  const schemaVersion = Math.max(spec.writes ?? spec.schemaVersion, before?.schemaVersion ?? 0);
  let current = state;
  for (let from = spec.schemaVersion; from > schemaVersion; from -= 1) {
    const downgrade = spec.downgrades?.[from];
    if (downgrade === undefined)
      throw new Error(`${spec.name} declares no way back from schemaVersion ${String(from)}`);
    current = downgrade(current);
  }
  return { schemaVersion, state: current };
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
