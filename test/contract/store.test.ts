// The store's promises on the adapters that need no server.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver } from "../../core/store/driver.ts";
import type { CollectionSpec } from "../../core/store/port.ts";
import { createSqliteDriver } from "../../core/store/sqlite-driver.ts";
import { createSqliteFile, type SqliteFile } from "../../core/store/sqlite-file.ts";
import { systemClock } from "../../core/system.ts";
import { createMemoryDriver, createMemoryStorage } from "../support/memory-driver.ts";
import { storeContract } from "./store.contract.ts";

storeContract("memory", () => {
  const storage = createMemoryStorage();
  return Promise.resolve({
    connect: () =>
      Promise.resolve({ openDriver: spec => createMemoryDriver(spec, storage), close: () => Promise.resolve() }),
    remove: () => Promise.resolve(),
  });
});

const onFatal = (error: Error): never => {
  throw error;
};

function sqliteFolder() {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-store-"));
  return {
    open: (shared: boolean): SqliteFile => {
      const path = join(folder, "store.sqlite");
      const file = createSqliteFile(path, { clock: systemClock, durability: "full", shared, onFatal });
      file.open();
      return file;
    },
    remove: (): Promise<void> => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}

storeContract("SQLite, shared by processes", () => {
  const { open, remove } = sqliteFolder();
  return Promise.resolve({
    connect: () => {
      const file = open(true);
      return Promise.resolve({
        openDriver: spec => createSqliteDriver(spec, file),
        close: () => {
          file.close();
          return Promise.resolve();
        },
      });
    },
    remove,
  });
});

// As embedded mode has it. Its "processes" share the connection and what the drivers keep of it.
storeContract("SQLite, of one process", () => {
  const { open, remove } = sqliteFolder();
  const file = open(false);
  const drivers = new Map<CollectionSpec<unknown>, Driver>();
  return Promise.resolve({
    connect: () =>
      Promise.resolve({
        openDriver: spec => {
          const driver = drivers.get(spec) ?? createSqliteDriver(spec, file);
          drivers.set(spec, driver);
          return driver;
        },
        close: () => Promise.resolve(),
      }),
    remove: () => {
      file.close();
      return remove();
    },
  });
});
