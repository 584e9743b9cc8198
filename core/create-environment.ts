// The environment of a mode. The only code that knows which adapters a mode has.
import type { Config } from "./config.ts";
import type { Environment } from "./environment.ts";
import { Health } from "./health.ts";
import { sqliteDatabases } from "./store/sqlite.ts";
import { systemClock, systemRandom } from "./system.ts";

/** @param onFatal for what the process cannot go on with: a full disk, an I/O error. */
export async function createEnvironment(config: Config, onFatal: (error: Error) => void): Promise<Environment> {
  const [clock, random] = [systemClock, systemRandom];
  const { data: folder, durability, outboxBound, cluster, namespace, metrics: isMeasured } = config;
  const health = new Health(clock);
  const onLog = health.shared("log", { critical: false });
  const shared = { outboxBound, clock, random, onFatal, isMeasured, onLog };
  const open =
    cluster === null
      ? sqliteDatabases({ folder, durability, ...shared })
      : // Loaded only where it is used: its driver is a tenth of what one process with everything needs.
        (await import("./store/mongo.ts")).mongoDatabases({ namespace, cluster, ...shared });
  return {
    config,
    clock,
    random,
    health,
    database: name => {
      const database = open(name);
      health.register(`database ${name}`, () => database.check(), { critical: true });
      return database;
    },
  };
}
