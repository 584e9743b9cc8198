// DocumentStore: one document, one compare-and-set, the events inside it. What both adapters promise is in test/contract/store.contract.ts.
import type { DomainEvent } from "../contracts/index.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { Refusal } from "../kernel/errors.ts";

export interface Versioned<S> {
  readonly id: string;
  /** Counts the writes of this document, from 1. */
  readonly version: number;
  /** The number of its last event; 0 before the first. */
  readonly seq: number;
  readonly state: S;
}

/**
 * A part of a document that is read and written alone, by key, in the same atomic write as the document: so a stock
 * item with 20,000 reservations costs what one with 2 costs. With `dueAt` (ms since the epoch) it is found by `due`.
 */
export interface Entry<X> {
  readonly value: X;
  readonly dueAt: number | null;
}
export type Entries<X> = ReadonlyMap<string, Entry<X>>;

/** A document with all that belongs to it, of one moment. */
export interface Whole<S, X> {
  readonly document: Versioned<S>;
  readonly entries: Entries<X>;
  /** Its events that still wait in the outbox: the last ones, up to `seq`. */
  readonly pending: number;
}

/** What a pure decision wants done with the document it saw. */
export type Verdict<S, R, X = never> =
  | {
      readonly kind: "write";
      readonly state: S;
      readonly events: readonly DomainEvent[];
      readonly entries?: ReadonlyMap<string, Entry<X> | null>;
      readonly result: R;
    }
  | { readonly kind: "keep"; readonly result: R }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

export const write = <S, R>(state: S, events: readonly DomainEvent[], result: R): Verdict<S, R> => ({
  kind: "write",
  state,
  events,
  result,
});
export const keep = <R>(result: R): Verdict<never, R> => ({ kind: "keep", result });
export const refuseWith = (refusal: Refusal): Verdict<never, never> => ({ kind: "refuse", refusal });

export interface UpdateOptions {
  /** Keys of the entries to read; "due" reads those whose dueAt is not after now. Entries not read must not be written. */
  readonly entries?: readonly string[] | "due";
  /** New work, which the outbox bound may refuse with EVENT_BACKLOG. What finishes or undoes accepted work leaves it out. */
  readonly admission?: boolean;
  /** The document is most likely not there yet: the command is decided without a look, and once more if it is there after all. */
  readonly expectsNew?: boolean;
  /** Milliseconds since the epoch: after it the command is dropped before it is decided (DEADLINE_EXCEEDED). */
  readonly deadline?: number;
}

export interface Updated<S, R> {
  readonly result: R;
  /** The document after the decision; null when it does not exist and nothing was written. */
  readonly document: Versioned<S> | null;
}

/** `now`, in milliseconds since the epoch, is the time that the events of this write will carry. */
export type Decide<S, R, X> = (current: Versioned<S> | null, entries: Entries<X>, now: number) => Verdict<S, R, X>;

export type Scalar = string | number | boolean | null;
export interface Range {
  readonly gte?: string | number;
  readonly gt?: string | number;
  readonly lte?: string | number;
  readonly lt?: string | number;
}

export interface Query {
  /** Equality or a range on fields that stand in one of the collection's indexes. */
  readonly where?: Readonly<Record<string, Scalar | Range>>;
  /** The text occurs in this declared field, taken literally; compare in one case by storing it so. */
  readonly contains?: { readonly field: string; readonly text: string };
  /** An indexed field, then the id: total and stable. Default: the id. */
  readonly orderBy?: string;
  readonly direction?: "asc" | "desc";
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: Position;
}
export type Position = readonly [value: string | number | null, id: string];

export interface Listing<S> {
  readonly items: readonly Versioned<S>[];
  readonly next: Position | null;
}

export interface Index {
  /** Top-level fields of the state, or dotted paths. */
  readonly on: readonly string[];
  /** Every document must then have the field: unique indexes differ on missing values. */
  readonly unique?: true;
}

export interface CollectionSpec<S> {
  /** Table or collection name: lower case letters and _. */
  readonly name: string;
  /** The CloudEvents source and topic of its events: "order". */
  readonly aggregate: string;
  readonly indexes: readonly Index[];
  /** Fields that `contains` may search. */
  readonly searchable?: readonly string[];
  /** Its documents never make events, so that nobody looks for any in it. */
  readonly eventless?: true;
  readonly schemaVersion: number;
  /** From version n to n + 1; run on read, oldest first. */
  readonly upgrades?: Readonly<Record<number, (older: Record<string, unknown>) => Record<string, unknown>>>;
  /**
   * Below schemaVersion while processes of the release before may run, which do not know it: documents are written in this older
   * shape, by `downgrades`, and those already newer stay so. The release after leaves it out (ADR 22).
   */
  readonly writes?: number;
  /** From version n to n - 1. What the older shape cannot say must not be needed yet. */
  readonly downgrades?: Readonly<Record<number, (newer: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;
  /** Only for the type. */
  readonly _state?: S;
}

export interface DueEntry {
  readonly id: string;
  readonly key: string;
}

export interface DocumentStore<S, X = never> {
  load(id: string): Promise<Versioned<S> | null>;
  /** Many at once; absent ones are left out. */
  loadMany(ids: readonly string[]): Promise<Versioned<S>[]>;
  loadEntries(id: string, keys: readonly string[]): Promise<Entries<X>>;
  /** Many at once, absent ones left out. Costs as much as they have entries: for the audit, not for commands. */
  loadWhole(ids: readonly string[]): Promise<Whole<S, X>[]>;
  /**
   * Loads, decides, writes on (id, version) with the events and entries in the same atomic write. Concurrent updates of one
   * document are decided one after another and written together; nobody is answered before the write.
   * @throws the verdict's refusal; DUPLICATE (data.field) on a unique index; EVENT_BACKLOG; DEADLINE_EXCEEDED; CONFLICT
   * after too many lost races (nothing was done); OUTCOME_UNKNOWN (ask again with the same command id).
   */
  update<R>(id: string, decide: Decide<S, R, X>, options?: UpdateOptions): Promise<Updated<S, R>>;
  list(query: Query): Promise<Listing<S>>;
  /** How many documents there are. For the metrics: it may be some moments old, and costs more the more there are. */
  count(): Promise<number>;
  /** Entries whose dueAt is not after `now`, earliest first. */
  due(now: number, limit: number): Promise<DueEntry[]>;
  /** EVENT_BACKLOG when the store's outbox is at its bound. */
  admit(): void;
  /** Unpublished events, oldest first and in order per aggregate, without those of the aggregates in `parked`. */
  pending(limit: number, parked?: ReadonlySet<string>): Promise<CloudEvent[]>;
  /** Those of these documents only, whoever wrote them: of each the oldest first. */
  pendingOf(ids: readonly string[], limit: number): Promise<CloudEvent[]>;
  /** Takes an aggregate's events up to number `seq` out of the outbox, without a new version. Repeating does no harm. */
  acknowledge(id: string, seq: number): Promise<void>;
}

export interface Database {
  /** Collections may be asked for before `connect`, used only after it. */
  collection<S, X = never>(spec: CollectionSpec<S>): DocumentStore<S, X>;
}
