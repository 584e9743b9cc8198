// A document as MongoDB holds it, and the names that it may not hold as they are.
import type { CloudEvent } from "../contracts/common.ts";
import type { StoredDocument, StoredEntry, WriteMark } from "./driver.ts";

/** An entry in the last write that changed any: not yet surely among the entry rows. */
export interface FreshEntry {
  readonly key: string;
  readonly value?: unknown;
  readonly dueAt?: number;
  readonly deleted?: true;
}

/** The redo log of ADR 15. */
export interface Fresh {
  /** The document's version that wrote them. */
  readonly version: number;
  readonly entries: readonly FreshEntry[];
  /** The earliest dueAt among them. */
  readonly due?: number;
}

export interface OutboxEvent {
  readonly seq: number;
  /** Microseconds since the epoch, by the clock of who wrote it: the order across documents. */
  readonly at: number;
  readonly event: unknown;
}

export interface DocumentRow {
  readonly _id: string;
  readonly version: number;
  readonly seq: number;
  readonly schemaVersion: number;
  readonly writes: readonly WriteMark[];
  readonly state: Readonly<Record<string, unknown>>;
  readonly outbox?: readonly OutboxEvent[];
  readonly fresh?: Fresh;
}

/** What MongoDB or its driver would take for something else; % itself, so that the way back is certain. */
const RISKY = /[%.\0]|^\$|^_(?=bsontype$)|^$/;
const RISKY_PARTS = /[%.\0]|^\$|^_(?=bsontype$)/g;
const EMPTY = "%";

const encodeName = (name: string): string =>
  name === ""
    ? EMPTY
    : name.replace(RISKY_PARTS, char => `%${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
const decodeName = (name: string): string =>
  name === EMPTY
    ? ""
    : name.replace(/%([0-9A-F]{2})/g, (_match, code: string) => String.fromCharCode(parseInt(code, 16)));

/** The same value with other names; the very same object where none has to change, which is nearly always. */
function rename(value: unknown, isMeant: (name: string) => boolean, toName: (name: string) => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  const items = Array.isArray(value) ? value.entries() : Object.entries(value);
  let changed = false;
  const renamed: [string | number, unknown][] = [];
  for (const [name, item] of items) {
    const newName = typeof name === "string" && isMeant(name) ? toName(name) : name;
    const newItem = rename(item, isMeant, toName);
    changed ||= newName !== name || newItem !== item;
    renamed.push([newName, newItem]);
  }
  if (!changed) return value;
  return Array.isArray(value) ? renamed.map(([, item]) => item) : Object.fromEntries(renamed);
}

export const encode = (value: unknown): unknown => rename(value, name => RISKY.test(name), encodeName);
export const decode = (value: unknown): unknown => rename(value, name => name.includes("%"), decodeName);

/** Where a declared field lies. Such names are plain: letters, digits and _. */
export const pathOf = (field: string): string => `state.${field}`;

export const toDocument = ({ _id, version, seq, schemaVersion, writes, state }: DocumentRow): StoredDocument => ({
  id: _id,
  version,
  seq,
  schemaVersion,
  writes,
  state: decode(state) as StoredDocument["state"],
});

/** What every write sets. */
export const toFields = ({ version, seq, schemaVersion, writes, state }: StoredDocument): Omit<DocumentRow, "_id"> => ({
  version,
  seq,
  schemaVersion,
  writes,
  state: encode(state) as DocumentRow["state"],
});

/** Null when the write changed no entry: then what was fresh stays so. */
export function toFresh(version: number, entries: ReadonlyMap<string, StoredEntry | null>): Fresh | null {
  if (entries.size === 0) return null;
  const fresh = [...entries].map(([key, entry]): FreshEntry => {
    if (entry === null) return { key, deleted: true };
    const { value, dueAt } = entry;
    return { key, value: encode(value), ...(dueAt === null ? {} : { dueAt }) };
  });
  const due = fresh.reduce((earliest, { dueAt = Infinity }) => Math.min(earliest, dueAt), Infinity);
  return { version, entries: fresh, ...(due === Infinity ? {} : { due }) };
}

interface Kept {
  readonly value?: unknown;
  readonly dueAt?: number;
  readonly deleted?: true | number;
}
/** Undefined when it was taken away. */
export const toEntry = ({ value, dueAt, deleted }: Kept): StoredEntry | undefined =>
  deleted === undefined ? { value: decode(value), dueAt: dueAt ?? null } : undefined;

export const toEvent = ({ event }: OutboxEvent): CloudEvent => decode(event) as CloudEvent;
