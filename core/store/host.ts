// Lets moleculer-db connect a service's database, and relays its events while it is connected.
import type { Context, Service, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import { callerOf } from "../context.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { HostedDatabase } from "../environment.ts";
import { nameOfSubject } from "../logging/ids.ts";
import { createDatabase } from "./database.ts";
import type { OpenDriver } from "./driver.ts";
import { HOLD_EVENT, writes, type HoldParams } from "./hold.ts";
import { createRelay, type Relay, type RelayOptions } from "./relay.ts";
import type { HostAdapter } from "./sqlite-adapter.ts";
import type { StoreOptions } from "./writer.ts";

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

export interface HostOptions extends Omit<StoreOptions, "onCommit"> {
  readonly adapter: HostAdapter;
  readonly openDriver: OpenDriver;
  /** See the relay's. */
  readonly takeOverMs?: number;
}

/** A line for each fact: what happened to which order, payment, SKU …; what it says of them stays in the event. */
class FactLines {
  logger: Pick<Service["logger"], "info"> | null = null;

  say(facts: readonly CloudEvent[]): void {
    for (const { type, source, subject, sequence: seq } of facts) {
      const aggregate = source.slice(source.lastIndexOf("/") + 1);
      this.logger?.info(type, { [nameOfSubject(aggregate)]: subject, seq });
    }
  }
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

function relayOf(
  { broker, name, logger }: Service,
  stores: RelayOptions["stores"],
  { clock, random, takeOverMs }: Pick<HostOptions, "clock" | "random" | "takeOverMs">,
): Relay {
  const call = callerOf(broker, name);
  const append: RelayOptions["append"] = events => call("v1.bridge.append", { events });
  return createRelay({ stores, append, clock, random, logger, ...(takeOverMs === undefined ? {} : { takeOverMs }) });
}

export function hostDatabase({ adapter, openDriver, ...options }: HostOptions): HostedDatabase {
  const { clock } = options;
  let relay: Relay | null = null;
  const facts = new FactLines();
  const onFacts = facts.say.bind(facts);
  const database = createDatabase(openDriver, { ...options, onFacts, onCommit: () => relay?.kick() });
  const relayed = () => database.stores().filter(({ spec }) => spec.eventless !== true);

  const mixin: Partial<ServiceSchema> & { adapter: HostAdapter } = {
    // Its typings describe a class; what it exports is a schema.
    mixins: [DbService as unknown as Partial<ServiceSchema>],
    adapter: plain(adapter),
    actions: noActions,
    events: held,
    async started(this: Service) {
      facts.logger = this.logger;
      await adapter.connect();
      await Promise.all(relayed().map(store => store.measure()));
      relay = relayOf(this, relayed, options);
      relay.start();
    },
    async stopped() {
      const last = relay;
      relay = null;
      last?.stop();
      await last?.drain(clock.now() + DRAIN_MS);
      await adapter.disconnect();
    },
  };
  return { collection: spec => database.collection(spec), mixin, check: () => adapter.check() };
}
