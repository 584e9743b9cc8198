// The store's promises on the adapters that need no server.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteDriver } from "../../core/store/sqlite-driver.ts";
import { createSqliteFile } from "../../core/store/sqlite-file.ts";
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

storeContract("SQLite", () => {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-store-"));
  const onFatal = (error: Error): never => {
    throw error;
  };
  return Promise.resolve({
    connect: () => {
      const file = createSqliteFile(join(folder, "store.sqlite"), { clock: systemClock, durability: "full", onFatal });
      file.open();
      return Promise.resolve({
        openDriver: spec => createSqliteDriver(spec, file),
        close: () => {
          file.close();
          return Promise.resolve();
        },
      });
    },
    remove: () => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
});
