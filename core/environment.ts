// What a service gets from outside. Only the environment knows the mode.
import type { ServiceSchema } from "moleculer";
import type { Config } from "./config.ts";
import type { Health } from "./health.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Random } from "./kernel/random.ts";
import type { Database } from "./store/port.ts";
import type { Written } from "./store/writer.ts";

export interface HostedDatabase extends Database {
  /** Connects with the service (moleculer-db), relays its events and stops in order. */
  readonly mixin: Partial<ServiceSchema>;
  /** Rejects with a few words when the database does not answer within 2 s; a file of this process's own always does. */
  readonly check: () => Promise<void>;
  /** Hears of every write of this process once it is stored: what counts what happened belongs here, and not into a decision. */
  onWritten(listener: (written: Written) => void): void;
  /** For numbers that need a query: one bounded round after the other while the database is connected. */
  measure(everyMs: number, round: () => Promise<unknown>): void;
}

export interface Environment {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  /** What this node needs: whoever needs something registers a check for it. */
  readonly health: Health;
  /** A service's own database: one SQLite file, or one MongoDB database. */
  database(name: string): HostedDatabase;
}
