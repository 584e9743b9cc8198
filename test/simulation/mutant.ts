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

/** The same thing with some of its methods replaced. */
export const replaced = <T extends object>(target: T, methods: Partial<T>): T =>
  new Proxy(target, {
    get(_, name): unknown {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function"
        ? (...given: unknown[]): unknown => Reflect.apply(value, target, given)
        : value;
    },
  });
