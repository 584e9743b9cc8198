// A process that uses a store, for tests of the store itself: several on one storage race like processes do.
import { createDatabase, type StoreDatabase } from "../../core/store/database.ts";
import type { OpenDriver } from "../../core/store/driver.ts";
import type { CollectionStore } from "../../core/store/group-commit.ts";
import { write, type CollectionSpec, type DocumentStore, type Verdict } from "../../core/store/port.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { withFaults, type Faults, type Operation } from "./faulty-driver.ts";

/** A database outside the processes that use it. */
export interface Storage {
  connect(): Promise<{ readonly openDriver: OpenDriver; readonly close: () => Promise<void> }>;
  remove(): Promise<void>;
}

export interface Counter {
  readonly n: number;
  readonly name?: string;
  readonly group?: string | null;
  readonly live?: boolean;
  readonly deep?: { readonly at: number | null };
}
export interface Note {
  readonly text: string;
}

export const counters: CollectionSpec<Counter> = {
  name: "counter",
  aggregate: "counter",
  indexes: [{ on: ["n"] }, { on: ["group", "n"] }, { on: ["live"] }, { on: ["deep.at"] }],
  searchable: ["name"],
  schemaVersion: 1,
};

/** A process's own faults, put in and taken out by the test. */
export type Hooks = { -readonly [K in keyof Faults]: Faults[K] };

export interface Client {
  readonly store: DocumentStore<Counter, Note>;
  readonly database: StoreDatabase;
  readonly hooks: Hooks;
  /** How often each operation reached the database. */
  readonly calls: Map<Operation, number>;
  /** Moves its clock; the time stands still otherwise. */
  readonly time: { now: number };
  close(): Promise<void>;
}

export async function connect(
  storage: Storage,
  bounds: { outboxBound?: number; documentOutboxBound?: number } = {},
): Promise<Client> {
  const { openDriver, close } = await storage.connect();
  const hooks: Hooks = {};
  const calls = new Map<Operation, number>();
  const time = { now: Date.parse("2026-01-01T00:00:00.000Z") };
  const counting: Faults = {
    before: (operation, collection) => {
      calls.set(operation, (calls.get(operation) ?? 0) + 1);
      return hooks.before?.(operation, collection);
    },
    after: (operation, collection) => hooks.after?.(operation, collection),
  };
  const database = createDatabase(withFaults(openDriver, counting), {
    clock: { ...systemClock, now: () => time.now },
    random: systemRandom,
    outboxBound: 1_000_000,
    documentOutboxBound: 1_000_000,
    ...bounds,
  });
  const store = database.collection<Counter, Note>(counters);
  return { store, database, hooks, calls, time, close };
}

export const storeOf = (client: Client): CollectionStore<unknown, unknown> => {
  const [store] = client.database.stores();
  if (store === undefined) throw new Error("The client has no collection");
  return store;
};

const happened = (n: number) =>
  ({
    type: "stock.low.v1",
    data: { sku: "A", onHand: n, reserved: 0, allocated: 0, available: n },
  }) as const;

/** Adds one, with an event that says to what. */
export const increment = (current: { readonly state: Counter } | null): Verdict<Counter, number> => {
  const n = (current?.state.n ?? 0) + 1;
  return write({ ...current?.state, n }, [happened(n)], n);
};

export const put = (state: Counter) => (): Verdict<Counter, null> => write(state, [], null);
