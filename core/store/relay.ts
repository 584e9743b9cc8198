// From the outboxes of a database to the event log: oldest first, in order per aggregate, at least once.
import type { CloudEvent } from "../contracts/common.ts";
import { isError } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { backoff, type Random } from "../kernel/random.ts";
import type { CollectionStore } from "./group-commit.ts";

export type RelaySource = Pick<CollectionStore<unknown, unknown>, "spec" | "pending" | "acknowledge" | "measure">;

interface RelayLogger {
  warn(message: string, data?: unknown): void;
  error(message: string, data?: unknown): void;
}

export interface RelayOptions {
  readonly stores: () => readonly RelaySource[];
  /** Durable once it resolves. VALIDATION_FAILED says that none was appended and one never will be; anything else is unknown. */
  readonly append: (events: CloudEvent[]) => Promise<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: RelayLogger;
}

export type Round = "idle" | "published" | "failed";

export interface Relay {
  /** Publishes until it is stopped. */
  start(): void;
  kick(): void;
  /** One bounded pass over all outboxes; one at a time. Never rejects. */
  round(): Promise<Round>;
  /** Publishes what is left until nothing is, appending fails, or the moment (ms since the epoch) has come. */
  drain(deadline: number): Promise<void>;
  /** No new round of its own begins; `drain` waits for the one that runs. */
  stop(): void;
  /** Streams that stand still behind an event that the log refuses, as "<aggregate>:<id>". */
  parked(): readonly string[];
}

/** Events of one collection per round; the log takes at most `LARGEST_APPEND` at once. */
const LARGEST_ROUND = 500;
const LARGEST_APPEND = 1_000;
/** What a dead process left is found after this long. */
const SWEEP_MS = 1_000;
const PAUSE = { base: 50, cap: 5_000 };

interface Waiting {
  readonly source: RelaySource;
  readonly event: CloudEvent;
}

function createPublisher({ stores, append, logger }: RelayOptions) {
  const parked = new Map<RelaySource, Set<string>>();

  function park({ source, event }: Waiting, error: unknown): void {
    const streams = parked.get(source) ?? new Set();
    parked.set(source, streams.add(event.subject));
    logger.error(`The event log refuses ${event.id}: its stream waits until a release accepts it`, error);
  }

  async function acknowledge(batch: readonly Waiting[]): Promise<void> {
    const last = new Map<RelaySource, Map<string, number>>();
    for (const { source, event } of batch) {
      const seqs = last.get(source) ?? new Map<string, number>();
      last.set(source, seqs.set(event.subject, event.sequence));
    }
    await Promise.all([...last].flatMap(([source, seqs]) => [...seqs].map(([id, seq]) => source.acknowledge(id, seq))));
  }

  async function oneByOne(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) {
      if (parked.get(waiting.source)?.has(waiting.event.subject) === true) continue;
      try {
        await append([waiting.event]);
      } catch (error) {
        if (!isError(error, "VALIDATION_FAILED")) throw error;
        park(waiting, error);
        continue;
      }
      await acknowledge([waiting]);
    }
  }

  async function publish(batch: readonly Waiting[]): Promise<void> {
    try {
      await append(batch.map(({ event }) => event));
    } catch (error) {
      if (!isError(error, "VALIDATION_FAILED")) throw error;
      await oneByOne(batch);
      return;
    }
    await acknowledge(batch);
  }

  async function pass(): Promise<boolean> {
    const outboxes = stores().map(async source => {
      const events = await source.pending(LARGEST_ROUND, parked.get(source));
      return events.map(event => ({ source, event }));
    });
    const waiting = (await Promise.all(outboxes)).flat();
    for (let from = 0; from < waiting.length; from += LARGEST_APPEND)
      await publish(waiting.slice(from, from + LARGEST_APPEND));
    return waiting.length > 0;
  }

  return {
    pass,
    parked: () => [...parked].flatMap(([{ spec }, ids]) => [...ids].map(id => `${spec.aggregate}:${id}`)),
  };
}

/** One per database, over all its collections: two would publish everything twice. */
export function createRelay(options: RelayOptions): Relay {
  const { clock, random, logger, stores } = options;
  const publisher = createPublisher(options);
  let failures = 0;
  let running: Promise<Round> | null = null;
  const state = { stopped: false, kicked: false, countAt: 0 };
  let wake: () => void = () => undefined;

  async function attempt(): Promise<Round> {
    try {
      const published = await publisher.pass();
      failures = 0;
      return published ? "published" : "idle";
    } catch (error) {
      failures += 1;
      if (failures === 1) logger.warn("The event log does not take events; they wait in the outbox", error);
      return "failed";
    }
  }

  function round(): Promise<Round> {
    running ??= attempt().finally(() => {
      running = null;
    });
    return running;
  }

  const pause = (ms: number, cut: boolean): Promise<void> =>
    new Promise(resolve => {
      if (cut) wake = resolve;
      void clock.sleep(ms).then(resolve);
    });

  const wasKicked = (): boolean => state.kicked;

  /** Other processes write and acknowledge too. */
  async function count(): Promise<void> {
    if (clock.now() < state.countAt) return;
    state.countAt = clock.now() + SWEEP_MS;
    try {
      await Promise.all(stores().map(store => store.measure()));
    } catch (error) {
      logger.warn("The outbox could not be counted", error);
    }
  }

  async function loop(): Promise<void> {
    while (!state.stopped) {
      state.kicked = false;
      const result = await round();
      await count();
      if (result === "failed") await pause(backoff(failures, random, PAUSE), false);
      else if (result === "idle" && !wasKicked()) await pause(SWEEP_MS, true);
    }
  }

  return {
    round,
    start() {
      void loop();
    },
    kick() {
      state.kicked = true;
      wake();
    },
    async drain(deadline) {
      const end = { over: false };
      const limit = clock.sleep(Math.max(0, deadline - clock.now())).then((): Round => "failed");
      while (!end.over) end.over = (await Promise.race([round(), limit])) !== "published";
    },
    stop() {
      state.stopped = true;
      wake();
    },
    parked: publisher.parked,
  };
}
