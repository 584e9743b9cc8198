// Where a planted bug can sit: around the ports that the production code is given.
import type { Driver } from "../../core/store/driver.ts";
import type { CollectionSpec, DocumentStore } from "../../core/store/port.ts";
import type { RelaySource } from "../../core/store/relay.ts";
import type { SimNode } from "./sim-node.ts";

export type AnyStore = DocumentStore<unknown, unknown>;

export interface Mutant {
  /** The database itself, behind every process's connection. */
  readonly durable?: (driver: Driver, spec: CollectionSpec<unknown>) => Driver;
  /** A process's connection to its database, faults included. */
  readonly driver?: (driver: Driver, spec: CollectionSpec<unknown>, node: SimNode) => Driver;
  /** What a service gets of the store. */
  readonly store?: (store: AnyStore, spec: CollectionSpec<unknown>) => AnyStore;
  /** What the relay reads. */
  readonly outbox?: (source: RelaySource) => RelaySource;
  /** A call of one service to another. */
  readonly call?: (call: () => Promise<unknown>, action: string, params: unknown) => Promise<unknown>;
  /** The Idempotency-Key of a client's attempt, numbered from 1. */
  readonly keyOf?: (key: string, attempt: number) => string;
}

/** The store with some of its methods replaced. */
export const around = (store: AnyStore, replaced: Partial<AnyStore>): AnyStore => ({
  load: id => store.load(id),
  loadMany: ids => store.loadMany(ids),
  loadEntries: (id, keys) => store.loadEntries(id, keys),
  update: (id, decide, options) => store.update(id, decide, options),
  list: query => store.list(query),
  due: (now, limit) => store.due(now, limit),
  admit: () => {
    store.admit();
  },
  pending: (limit, parked) => store.pending(limit, parked),
  acknowledge: (id, seq) => store.acknowledge(id, seq),
  ...replaced,
});
