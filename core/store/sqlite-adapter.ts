// A SQLite file as moleculer-db sees it: only connect and disconnect; its actions and its find and update are not used.
import type { SqliteFile } from "./sqlite-file.ts";

export interface HostAdapter {
  init(): void;
  /** Repeating does no harm: a service with two databases has moleculer-db connect one of them twice. */
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** Rejects when the database does not answer within 2 s. */
  check(): Promise<void>;
}

export function createSqliteAdapter(file: SqliteFile, onFatal: (error: Error) => void): HostAdapter {
  let connected = false;
  return {
    init: () => undefined,
    // Its file is this process's own.
    check: () => Promise.resolve(),
    async connect() {
      if (connected) return;
      try {
        file.open();
        connected = true;
      } catch (error) {
        // moleculer-db tries for ever; a file that cannot be opened will not mend itself.
        onFatal(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
      return Promise.resolve();
    },
    async disconnect() {
      if (connected) file.close();
      connected = false;
      return Promise.resolve();
    },
  };
}
