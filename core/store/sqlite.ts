// The embedded mode's databases: one SQLite file per service in the data folder.
import { join } from "node:path";
import type { HostedDatabase } from "../environment.ts";
import { hostDatabase, type HostOptions } from "./host.ts";
import { createSqliteAdapter } from "./sqlite-adapter.ts";
import { createSqliteDriver } from "./sqlite-driver.ts";
import { createSqliteFile, type SqliteOptions } from "./sqlite-file.ts";

interface SqliteHostOptions extends SqliteOptions, Omit<HostOptions, "name" | "adapter" | "openDriver"> {
  /** Exists, and is this process's alone. */
  readonly folder: string;
}

/** Answers the database of a name: `<folder>/<name>.sqlite`. */
export function sqliteDatabases({ folder, ...options }: SqliteHostOptions): (name: string) => HostedDatabase {
  return name => {
    const file = createSqliteFile(join(folder, `${name}.sqlite`), options);
    return hostDatabase({
      ...options,
      name,
      ...(options.shared === true ? {} : { takeOverMs: 0 }),
      system: "sqlite",
      adapter: createSqliteAdapter(file, options.onFatal),
      openDriver: spec => createSqliteDriver(spec, file),
    });
  };
}
