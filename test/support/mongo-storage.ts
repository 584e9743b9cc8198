// A MongoDB database for a test, and the processes that share it.
import { randomUUID } from "node:crypto";
import type { MongoConfig } from "../../core/config-cluster.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { MongoConnection } from "../../core/store/mongo-adapter.ts";
import { createMongoDriver } from "../../core/store/mongo-driver.ts";
import { systemClock } from "../../core/system.ts";
import type { Storage } from "./store-client.ts";

export const mongoAt = (url: string): MongoConfig => ({ url, user: null, password: null, tls: null });

export interface MongoStorage extends Storage {
  readonly name: string;
  /** A process of its own; another address leads through a proxy. */
  connection(options?: { url?: string; clock?: Clock; startupTimeoutMs?: number }): MongoConnection;
}

export function mongoStorage(url: string): MongoStorage {
  const name = `test_${randomUUID().slice(0, 13)}`;
  const connection: MongoStorage["connection"] = (options = {}) =>
    new MongoConnection({
      config: mongoAt(options.url ?? url),
      name,
      clock: options.clock ?? systemClock,
      startupTimeoutMs: options.startupTimeoutMs ?? 10_000,
      onFatal: () => undefined,
    });
  return {
    name,
    connection,
    connect: async () => {
      const own = connection();
      await own.connect();
      return {
        openDriver: spec => createMongoDriver(spec, own, systemClock),
        close: () => own.disconnect(),
      };
    },
    remove: async () => {
      const last = connection();
      await last.connect();
      await last.db().dropDatabase();
      await last.disconnect();
    },
  };
}
