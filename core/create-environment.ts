// The environment of a mode. The only code that knows which adapters a mode has.
import type { Config } from "./config.ts";
import type { Environment } from "./environment.ts";
import { Health } from "./health.ts";
import { mongoDatabases } from "./store/mongo.ts";
import { sqliteDatabases } from "./store/sqlite.ts";
import { systemClock, systemRandom } from "./system.ts";

/** @param onFatal for what the process cannot go on with: a full disk, an I/O error. */
export function createEnvironment(config: Config, onFatal: (error: Error) => void): Environment {
  const [clock, random] = [systemClock, systemRandom];
  const { data: folder, durability, outboxBound, cluster, namespace } = config;
  const shared = { outboxBound, clock, random, onFatal };
  const health = new Health(clock);
  const open =
    cluster === null
      ? sqliteDatabases({ folder, durability, ...shared })
      : mongoDatabases({ namespace, cluster, ...shared });
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
