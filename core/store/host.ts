// Lets moleculer-db connect a service's database, and relays its events while it is connected.
import type { Context, Service, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import { callerOf } from "../context.ts";
import type { HostedDatabase } from "../environment.ts";
import { createDatabase, type StoreDatabase } from "./database.ts";
import type { OpenDriver } from "./driver.ts";
import { HOLD_EVENT, writes, type HoldParams } from "./hold.ts";
import { createRelay, type Relay } from "./relay.ts";
import type { HostAdapter } from "./sqlite-adapter.ts";
import { conflictCounter, measuredDrivers, watchOutbox } from "./store-metrics.ts";
import type { StoreOptions, Written } from "./writer.ts";

/** For the last events of a stopping service; what is left then is published after the next start. */
const DRAIN_MS = 1_000;

/** All of moleculer-db's: they would publish the database (facts: `update` sets any field, `query` is raw). */
const noActions = Object.fromEntries(
  ["find", "count", "list", "create", "insert", "get", "update", "remove"].map(name => [name, false as const]),
);

const held = {
  [HOLD_EVENT](ctx: Context<HoldParams>): void {
    writes.hold(ctx.params.ms);
  },
};

export interface HostOptions extends Omit<StoreOptions, "onCommit" | "onWritten" | "onConflict"> {
  /** What its service calls it, and its metrics. */
  readonly name: string;
  readonly adapter: HostAdapter;
  readonly openDriver: OpenDriver;
  /** See the relay's. */
  readonly takeOverMs?: number;
}

/** Moleculer copies a schema's objects property by property, which a class with private fields does not survive. */
const plain = (adapter: HostAdapter): HostAdapter => ({
  init: (...given) => {
    adapter.init(...given);
  },
  connect: () => adapter.connect(),
  disconnect: () => adapter.disconnect(),
  check: () => adapter.check(),
});

type Listener = (written: Written) => void;

/** A mistake in what is only counted must not become one of the write. */
const telling = (listeners: readonly Listener[]) => (written: Written) => {
  for (const listener of listeners) {
    try {
      listener(written);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
};

type Surroundings = Pick<HostOptions, "name" | "clock" | "random" | "takeOverMs">;

/** Publishes a connected database's events and shows what waits. */
function follow({ broker, name, logger }: Service, database: StoreDatabase, { takeOverMs, ...own }: Surroundings) {
  const { clock, random } = own;
  const stores = () => database.stores().filter(({ spec }) => spec.eventless !== true);
  const call = callerOf(broker, name);
  const relay = createRelay({
    stores,
    append: events => call("v1.bridge.append", { events }),
    ...{ clock, random, logger },
    ...(takeOverMs === undefined ? {} : { takeOverMs }),
  });
  const onError = (error: unknown): void => {
    logger.debug("The outbox cannot be looked at now", error);
  };
  const parked = () => relay.parked().length;
  return {
    relay,
    async start() {
      await Promise.all(stores().map(store => store.measure()));
      relay.start();
      return watchOutbox({ database: own.name, stores, parked, clock, random, onError });
    },
  };
}

function mixinOf(adapter: HostAdapter, database: StoreDatabase, relaying: Relaying, options: Surroundings) {
  const { clock } = options;
  let watching: { stop(): Promise<void> } | undefined;
  const mixin: Partial<ServiceSchema> & { adapter: HostAdapter } = {
    // Its typings describe a class; what it exports is a schema.
    mixins: [DbService as unknown as Partial<ServiceSchema>],
    adapter: plain(adapter),
    actions: noActions,
    events: held,
    async started(this: Service) {
      await adapter.connect();
      const { relay, start } = follow(this, database, options);
      relaying.relay = relay;
      watching = await start();
    },
    async stopped() {
      const last = relaying.relay;
      relaying.relay = null;
      last?.stop();
      await watching?.stop();
      await last?.drain(clock.now() + DRAIN_MS);
      await adapter.disconnect();
    },
  };
  return mixin;
}

/** The relay while the service runs. */
interface Relaying {
  relay: Relay | null;
}

export function hostDatabase({ adapter, openDriver, takeOverMs, ...options }: HostOptions): HostedDatabase {
  const { name, clock, random } = options;
  const relaying: Relaying = { relay: null };
  const listeners: Listener[] = [];
  const database = createDatabase(measuredDrivers(openDriver, name), {
    ...options,
    onCommit: () => relaying.relay?.kick(),
    onWritten: telling(listeners),
    onConflict: conflictCounter(name),
  });
  const surroundings = { name, clock, random, ...(takeOverMs === undefined ? {} : { takeOverMs }) };
  return {
    collection: spec => database.collection(spec),
    mixin: mixinOf(adapter, database, relaying, surroundings),
    check: () => adapter.check(),
    onWritten: listener => {
      listeners.push(listener);
    },
  };
}
