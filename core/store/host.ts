// Lets moleculer-db connect a service's database, and relays its events while it is connected.
import type { Context, Service, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import { callerOf } from "../context.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { HostedDatabase } from "../environment.ts";
import { isError } from "../errors.ts";
import type { Call } from "../request.ts";
import { isPlain, nameOfSubject } from "../logging/ids.ts";
import { createDatabase, type StoreDatabase } from "./database.ts";
import type { OpenDriver } from "./driver.ts";
import { HOLD_EVENT, writes, type HoldParams } from "./hold.ts";
import { createLoop, type Loop } from "../loop.ts";
import { createRelay, type Relay } from "./relay.ts";
import type { HostAdapter } from "./sqlite-adapter.ts";
import { conflictCounter, measuredDrivers, showOutbox } from "./store-metrics.ts";
import type { StoreOptions, Written } from "./writer.ts";

/** For the last events of a stopping service; what is left then is published after the next start. */
const DRAIN_MS = 1_000;

/** At the oldest event in the outbox. */
const LOOK_EVERY_MS = 5_000;

/** All of moleculer-db's: they would publish the database (facts: `update` sets any field, `query` is raw). */
const noActions = Object.fromEntries(
  ["find", "count", "list", "create", "insert", "get", "update", "remove"].map(name => [name, false as const]),
);

const held = {
  [HOLD_EVENT](ctx: Context<HoldParams>): void {
    writes.hold(ctx.params.ms);
  },
};

export interface HostOptions extends Omit<StoreOptions, "onCommit" | "onFacts" | "onWritten" | "onConflict"> {
  /** What its service calls it, and its metrics. */
  readonly name: string;
  readonly adapter: HostAdapter;
  readonly openDriver: OpenDriver;
  /** Whether its operations are timed; they are when left out. */
  readonly isMeasured?: boolean;
  /** See the relay's. */
  readonly takeOverMs?: number;
  /** Hears that the event log takes no events of this service, and why, or (null) that it does. */
  readonly onLog?: (service: string, problem: string | null) => void;
}

/** A line for each fact: what happened to which order, payment, SKU …; what it says of them stays in the event. */
class FactLines {
  logger: Pick<Service["logger"], "info"> | null = null;

  say(facts: readonly CloudEvent[]): void {
    for (const { type, source, subject, sequence: seq } of facts) {
      const aggregate = source.slice(source.lastIndexOf("/") + 1);
      this.logger?.info(type, { ...(isPlain(subject) ? { [nameOfSubject(aggregate)]: subject } : {}), seq });
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

interface Measurement {
  readonly everyMs: number;
  readonly round: () => Promise<unknown>;
}

/** What runs while the service runs. */
interface Running {
  relay: Relay | null;
  loops: readonly Loop[];
}

type Surroundings = Pick<HostOptions, "clock" | "random" | "takeOverMs" | "onLog">;

/** Failures in a row, over a second or two: at a start the bridge may come a moment later. */
const AWAY_AFTER = 6;

/** To the log, counting what it does not take. */
function appendTo(call: Call, tell: (problem: string | null) => void) {
  let failures = 0;
  return {
    async append(events: CloudEvent[]): Promise<void> {
      try {
        await call("v1.bridge.append", { events });
      } catch (error) {
        // A refusal is an answer.
        failures += isError(error, "VALIDATION_FAILED") ? 0 : 1;
        if (failures >= AWAY_AFTER) tell("takes no events; they wait in the outboxes");
        throw error;
      }
    },
    /** Also when another process has published what waited here. */
    onPass() {
      failures = 0;
      tell(null);
    },
  };
}

const relayed = (database: StoreDatabase) => database.stores().filter(({ spec }) => spec.eventless !== true);

function relayOf({ broker, name, logger }: Service, database: StoreDatabase, options: Surroundings): Relay {
  const { onLog = () => undefined, ...rest } = options;
  return createRelay({
    stores: () => relayed(database),
    ...appendTo(callerOf(broker, name), problem => {
      onLog(name, problem);
    }),
    logger,
    ...rest,
  });
}

function measuring(measurements: readonly Measurement[], { clock, random }: Surroundings, { logger }: Service): Loop[] {
  return measurements.map(({ everyMs, round }) => {
    const loop = createLoop(clock, everyMs, random);
    loop.start(round, error => {
      logger.debug("A number cannot be had now", error);
    });
    return loop;
  });
}

interface Parts {
  readonly adapter: HostAdapter;
  readonly database: StoreDatabase;
  readonly running: Running;
  readonly facts: FactLines;
  readonly measurements: readonly Measurement[];
}

function mixinOf({ adapter, database, running, facts, measurements }: Parts, options: Surroundings) {
  const mixin: Partial<ServiceSchema> & { adapter: HostAdapter } = {
    // Its typings describe a class; what it exports is a schema.
    mixins: [DbService as unknown as Partial<ServiceSchema>],
    adapter: plain(adapter),
    actions: noActions,
    events: held,
    async started(this: Service) {
      facts.logger = this.logger;
      await adapter.connect();
      await Promise.all(relayed(database).map(store => store.measure()));
      running.relay = relayOf(this, database, options);
      running.relay.start();
      running.loops = measuring(measurements, options, this);
    },
    async stopped() {
      const { relay, loops } = running;
      running.relay = null;
      relay?.stop();
      await Promise.all(loops.map(loop => loop.stop()));
      await relay?.drain(options.clock.now() + DRAIN_MS);
      await adapter.disconnect();
    },
  };
  return mixin;
}

export function hostDatabase({ adapter, openDriver, isMeasured, ...rest }: HostOptions): HostedDatabase {
  const { takeOverMs, onLog, ...options } = rest;
  const { name, clock, random } = options;
  const running: Running = { relay: null, loops: [] };
  const listeners: Listener[] = [];
  const facts = new FactLines();
  const database = createDatabase(isMeasured === false ? openDriver : measuredDrivers(openDriver, name), {
    ...options,
    onCommit: () => running.relay?.kick(),
    onFacts: facts.say.bind(facts),
    onWritten: telling(listeners),
    onConflict: conflictCounter(name),
  });
  const parked = () => running.relay?.parked().length ?? 0;
  const look = showOutbox({ database: name, stores: () => relayed(database), parked, clock });
  const measurements: Measurement[] = [{ everyMs: LOOK_EVERY_MS, round: look }];
  const surroundings: Surroundings = {
    ...{ clock, random },
    ...(takeOverMs === undefined ? {} : { takeOverMs }),
    ...(onLog === undefined ? {} : { onLog }),
  };
  return {
    collection: spec => database.collection(spec),
    mixin: mixinOf({ adapter, database, running, facts, measurements }, surroundings),
    check: () => adapter.check(),
    onWritten: listener => {
      listeners.push(listener);
    },
    measure: (everyMs, round) => {
      measurements.push({ everyMs, round });
    },
  };
}
