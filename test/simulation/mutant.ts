// Where a planted bug can sit: around the ports that the production code is given.
import type { RelaySource } from "../../core/store/relay.ts";
import type { Driver } from "../../core/store/driver.ts";
import type { CollectionSpec } from "../../core/store/port.ts";

export interface Mutant {
  /** A process's view of its database, faults included. */
  readonly driver?: (driver: Driver, spec: CollectionSpec<unknown>, database: string) => Driver;
  /** The database itself. */
  readonly durable?: (driver: Driver, spec: CollectionSpec<unknown>, database: string) => Driver;
  readonly call?: (call: () => Promise<unknown>, action: string, params: unknown) => Promise<unknown>;
  /** The Idempotency-Key of a client's attempt, numbered from 1. */
  readonly keyOf?: (key: string, attempt: number) => string;
  /** What the relay reads. */
  readonly outbox?: (source: RelaySource) => RelaySource;
}
