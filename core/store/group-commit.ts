// DocumentStore above any driver: concurrent commands of one document are decided one after another and written together.
import { deriveId } from "../derive-id.ts";
import { fail } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { backoff, type Random } from "../kernel/random.ts";
import { createAcknowledger } from "./acknowledger.ts";
import { createBacklog, type Bounds } from "./backlog.ts";
import { decideBatch, type Answer, type Command, type Decided } from "./decide-batch.ts";
import { checkQuery, positionOf, toVersioned } from "./documents.ts";
import type { Ask, Driver, Loaded, Write, WriteOutcome } from "./driver.ts";
import type { CollectionSpec, DocumentStore, Entries, Listing, Query, Updated, Versioned } from "./port.ts";
import { createQueues, type Flight } from "./queues.ts";
import { settleUnknown } from "./unknown-outcome.ts";

export interface StoreOptions extends Bounds {
  readonly clock: Clock;
  readonly random: Random;
  /** After each write that left events. */
  readonly onCommit?: () => void;
}

export interface CollectionStore<S, X = never> extends DocumentStore<S, X> {
  readonly spec: CollectionSpec<S>;
  /** Unpublished events as this process counts them. */
  backlog(): number;
  /** Counts them anew: other processes write and acknowledge too. */
  measure(): Promise<void>;
}

const ATTEMPTS = 12;
const PAUSE = { base: 4, cap: 250 };
const NOTHING: readonly string[] = [];

interface Decision<S, X> {
  readonly flight: Flight<S, X>;
  readonly write: Write;
  readonly held: readonly Answer<S, X>[];
}

function createWriter<S, X>(spec: CollectionSpec<S>, driver: Driver, options: StoreOptions) {
  const { clock, random } = options;
  const backlog = createBacklog(spec.name, options);
  const instance = deriveId(random.id()).slice(0, 10);
  let moments = 0;
  const queues = createQueues<S, X>(clock, flights => void moment(flights));

  function askOf({ id, commands }: Flight<S, X>, now: number): Ask {
    const keys = new Set(
      commands.flatMap(({ options: { entries } }) => (entries === "due" ? NOTHING : (entries ?? NOTHING))),
    );
    return { id, keys: [...keys], dueBy: commands.some(command => command.options.entries === "due") ? now : null };
  }

  async function retry({ flight, held }: Decision<S, X>): Promise<void> {
    const attempts = Math.max(...held.map(({ command }) => command.attempts)) + 1;
    const [last, again] = [[] as Command<S, X>[], [] as Command<S, X>[]];
    for (const { command } of held) (command.attempts + 1 < ATTEMPTS ? again : last).push(command);
    for (const command of last)
      command.reject(
        fail("CONFLICT", `Other writers were faster ${String(ATTEMPTS)} times: nothing was done, try again`),
      );
    await clock.sleep(backoff(attempts, random, PAUSE));
    queues.again(
      flight,
      again.map(command => ({ ...command, attempts: command.attempts + 1 })),
    );
  }

  function duplicate({ flight, held }: Decision<S, X>, field: string): void {
    const [only, ...others] = held;
    if (only !== undefined && others.length === 0) {
      only.command.reject(
        fail("DUPLICATE", `Another ${spec.aggregate} has this ${field}: take another one`, { field }),
      );
      queues.done(flight);
    } else
      queues.again(
        flight,
        held.map(({ command }) => ({ ...command, alone: true })),
      );
  }

  async function settle(decision: Decision<S, X>, outcome: WriteOutcome | null, cause?: unknown): Promise<void> {
    const { flight, held, write } = decision;
    if (outcome?.kind === "written") {
      for (const { tell } of held) tell();
      queues.done(flight);
      if (write.events.length > 0) options.onCommit?.();
      return;
    }
    backlog.add(-write.events.length);
    if (outcome?.kind === "conflict") await retry(decision);
    else if (outcome?.kind === "duplicate") duplicate(decision, outcome.field);
    else {
      const unknown = fail("OUTCOME_UNKNOWN", "The store did not tell whether it wrote: ask again with the same key");
      unknown.cause = cause;
      for (const { command } of held) command.reject(unknown);
      queues.done(flight);
    }
  }

  /** An error here (an upgrade is missing) is that of one document, not of those beside it. */
  function decide(flight: Flight<S, X>, loaded: Loaded | undefined, now: number, writeId: string): Decided<S, X> {
    try {
      if (loaded === undefined) throw new Error(`The driver of ${spec.name} answered fewer documents than were asked`);
      return decideBatch({ spec, backlog, id: flight.id, writeId, now }, loaded, flight.commands);
    } catch (error) {
      for (const command of flight.commands) command.reject(error);
      return { write: null, held: [] };
    }
  }

  function decideAll(flights: readonly Flight<S, X>[], loaded: readonly Loaded[], now: number): Decision<S, X>[] {
    moments += 1;
    const writeId = `${instance}.${moments.toString(36)}`;
    const decisions: Decision<S, X>[] = [];
    for (const [index, flight] of flights.entries()) {
      const { write, held } = decide(flight, loaded[index], now, writeId);
      if (write === null) queues.done(flight);
      else {
        backlog.add(write.events.length);
        decisions.push({ flight, write, held });
      }
    }
    return decisions;
  }

  /** Everything that became ready in one moment is read in one call and written in one call. */
  async function moment(flights: readonly Flight<S, X>[]): Promise<void> {
    const now = clock.now();
    let loaded: Loaded[];
    try {
      loaded = await driver.read(flights.map(flight => askOf(flight, now)));
    } catch (error) {
      for (const flight of flights) {
        for (const command of flight.commands) command.reject(error);
        queues.done(flight);
      }
      return;
    }
    await writeAll(decideAll(flights, loaded, now));
  }

  async function writeAll(decisions: readonly Decision<S, X>[]): Promise<void> {
    if (decisions.length === 0) return;
    try {
      const outcomes = await driver.write(decisions.map(({ write }) => write));
      await Promise.all(decisions.map((decision, index) => settle(decision, outcomes[index] ?? null)));
    } catch (error) {
      const look = async (decision: Decision<S, X>): Promise<void> => {
        await settle(decision, await settleUnknown(driver, decision.write, options), error);
      };
      await Promise.all(decisions.map(look));
    }
  }

  const enqueue = (id: string, command: Command<S, X>): void => {
    queues.add(id, command);
  };
  return { backlog, enqueue };
}

/** Once per collection and process: two of them on one driver would race instead of queueing. */
export function createStore<S, X = never>(
  spec: CollectionSpec<S>,
  driver: Driver,
  options: StoreOptions,
): CollectionStore<S, X> {
  const { backlog, enqueue } = createWriter<S, X>(spec, driver, options);
  const acknowledge = createAcknowledger(driver, options.clock, taken => {
    backlog.add(-taken);
  });

  async function loadMany(ids: readonly string[]): Promise<Versioned<S>[]> {
    if (ids.length === 0) return [];
    const loaded = await driver.read(ids.map(id => ({ id, keys: NOTHING, dueBy: null })));
    return loaded.flatMap(({ document }) => (document === null ? [] : [toVersioned(spec, document)]));
  }

  async function list(query: Query): Promise<Listing<S>> {
    checkQuery(spec, query);
    const found = await driver.list({ ...query, limit: query.limit + 1 });
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const next = found.length > query.limit && last !== undefined ? positionOf(last, query.orderBy) : null;
    return { items: page.map(document => toVersioned(spec, document)), next };
  }

  return {
    spec,
    loadMany,
    list,
    acknowledge,
    load: async id => (await loadMany([id]))[0] ?? null,
    loadEntries: async (id, keys) => {
      const [loaded] = await driver.read([{ id, keys, dueBy: null }]);
      return (loaded?.entries ?? new Map()) as Entries<X>;
    },
    update: <R>(id: string, decide: Parameters<typeof enqueue>[1]["decide"], asked = {}) =>
      new Promise<Updated<S, R>>((resolve, reject) => {
        const told = resolve as (updated: Updated<S, unknown>) => void;
        enqueue(id, { decide, options: asked, resolve: told, reject, attempts: 0, alone: false });
      }),
    due: (now, limit) => driver.due(now, limit),
    admit: () => {
      const refused = backlog.refuses(0, 0);
      if (refused !== null) throw refused;
    },
    pending: (limit, parked = new Set()) => driver.pending(limit, parked),
    backlog: backlog.count,
    measure: async () => {
      backlog.set(await driver.pendingCount());
    },
  };
}
