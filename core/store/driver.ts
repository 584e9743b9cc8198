// The port beneath DocumentStore: what a database has to do. All rules live above it, once, in group-commit.ts.
import type { CloudEvent } from "../contracts/common.ts";
import type { CollectionSpec, DueEntry, Entry, Query } from "./port.ts";

/** A batch that was written: the version it made, and its id. */
export type WriteMark = readonly [version: number, writeId: string];

export interface StoredDocument {
  readonly id: string;
  readonly version: number;
  readonly seq: number;
  readonly schemaVersion: number;
  /** The last batches written to it, oldest first: by them a writer recognises its own after an unknown outcome. */
  readonly writes: readonly WriteMark[];
  readonly state: Readonly<Record<string, unknown>>;
}

export type StoredEntry = Entry<unknown>;

export interface Ask {
  readonly id: string;
  readonly keys: readonly string[];
  /** Read also the entries whose dueAt is not after this, earliest first and at most `DUE_LIMIT`; null: none of them. */
  readonly dueBy: number | null;
  /** Count its unacknowledged events too. */
  readonly pending?: boolean;
  /** Read every entry, in the same look as the document: for whoever compares the two. */
  readonly whole?: boolean;
}

/** So many due entries are read by one command at most; whoever asks for "due" asks again until none is left. */
export const DUE_LIMIT = 1_000;

export interface Loaded {
  readonly document: StoredDocument | null;
  readonly entries: ReadonlyMap<string, StoredEntry>;
  /** Its unacknowledged events; 0 when that was not asked. */
  readonly pending: number;
}

export interface Write {
  /** The document as it shall be. */
  readonly document: StoredDocument;
  /** Written only if the document is at this version; 0: only if it does not exist. */
  readonly expected: number;
  readonly events: readonly CloudEvent[];
  /** Null takes an entry away. */
  readonly entries: ReadonlyMap<string, StoredEntry | null>;
}

export type WriteOutcome =
  | { readonly kind: "written" }
  | { readonly kind: "conflict" }
  /** The document is as expected, but a unique index has this value already; `field` is the index's first field. */
  | { readonly kind: "duplicate"; readonly field: string };

export interface Acknowledgement {
  readonly id: string;
  readonly seq: number;
}

export interface Driver {
  /** Resolves once everything that was read so far is durable. */
  durable(): Promise<void>;
  /** A write that threw did not happen: nothing has to be remembered to find out. */
  readonly isCertain?: true;
  /** In the order asked. May show what a power cut can still take back: nobody is told of it before `durable`. */
  read(asks: readonly Ask[]): Promise<Loaded[]>;
  /**
   * Each write by itself is atomic and durable once this answers; the outcomes come in the order of the writes.
   * @throws when the outcome of any of them is unknown; then that of all of them is.
   */
  write(writes: readonly Write[]): Promise<WriteOutcome[]>;
  /** Fields have been checked against the spec. At most `query.limit`. */
  list(query: Query): Promise<StoredDocument[]>;
  /** How many documents there are; may be some moments old. */
  count(): Promise<number>;
  due(now: number, limit: number): Promise<DueEntry[]>;
  /** Over all documents: a sweep's question. */
  pending(limit: number, parked: ReadonlySet<string>): Promise<CloudEvent[]>;
  /** Of these documents only, found by id; in order per document, in any order among them. */
  pendingOf(ids: readonly string[], limit: number): Promise<CloudEvent[]>;
  /** Resolves with how many events it took out. */
  acknowledge(acknowledgements: readonly Acknowledgement[]): Promise<number>;
  pendingCount(): Promise<number>;
}

export type OpenDriver = (spec: CollectionSpec<unknown>) => Driver;
