// A service's collections over one database, whichever it is.
import type { OpenDriver } from "./driver.ts";
import { createStore, type CollectionStore } from "./group-commit.ts";
import type { CollectionSpec, Database, DocumentStore } from "./port.ts";
import type { StoreOptions } from "./writer.ts";

export interface StoreDatabase extends Database {
  /** Every collection that was asked for: the relay and the metrics read them. */
  stores(): readonly CollectionStore<unknown, unknown>[];
}

export function createDatabase(openDriver: OpenDriver, options: StoreOptions): StoreDatabase {
  const stores = new Map<string, CollectionStore<unknown, unknown>>();
  return {
    collection<S, X = never>(spec: CollectionSpec<S>): DocumentStore<S, X> {
      const store = stores.get(spec.name) ?? createStore<unknown, unknown>(spec, openDriver(spec), options);
      stores.set(spec.name, store);
      return store as unknown as DocumentStore<S, X>;
    },
    stores: () => [...stores.values()],
  };
}
