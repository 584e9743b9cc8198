// Delivers what a subscriber took in a range of time to it again: in order per aggregate, in batches, a while at a time.
// Its reactions change nothing when an event comes again (ADR 8), so this may run beside the usual delivery.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";
import { aggregateOf } from "../../core/reactions.ts";
import type { EventLog, PastQuery } from "./event-log.ts";

const ATTEMPTS = 3;
const RETRY = { base: 100, cap: 1_000 };

export interface RangeReplayOptions {
  readonly log: EventLog;
  /** Rejects while the subscriber is away: then the range is asked for again. */
  readonly react: (events: CloudEvent[]) => Promise<readonly Outcome[]>;
  readonly clock: Clock;
  readonly random: Random;
  /** In ms since the epoch: what is left then is for the next request. */
  readonly until: number;
}

export interface RangeReplayed {
  readonly replayed: number;
  readonly left: number;
  readonly cursor: string | null;
  /** Aggregates whose event was refused: the next request must not deliver what comes after it. */
  readonly stuck: readonly string[];
}

/** @param before `stuck` of the request that this one goes on from */
export async function replayRange(
  options: RangeReplayOptions,
  query: PastQuery,
  before: readonly string[] = [],
): Promise<RangeReplayed> {
  const { log, clock, until } = options;
  const stuck = new Set(before);
  let [replayed, left] = [0, 0];
  const cursor = await log.past(query, async events => {
    const done = await deliver(options, events, stuck);
    replayed += done;
    left += events.length - done;
    return clock.now() < until;
  });
  return { replayed, left, cursor, stuck: [...stuck] };
}

/** An aggregate whose event is refused stands still from there on; one that is parked is not asked to pass its mark. */
async function deliver(
  { react, clock, random }: RangeReplayOptions,
  events: readonly CloudEvent[],
  stuck: Set<string>,
): Promise<number> {
  let done = 0;
  let waiting = events.filter(event => !stuck.has(aggregateOf(event)));
  for (let attempt = 1; waiting.length > 0; attempt += 1) {
    const outcomes = await react(waiting);
    const failed = new Set(outcomes.filter(({ outcome }) => outcome === "failed").map(({ id }) => id));
    done += outcomes.filter(({ outcome }) => outcome === "done").length;
    waiting = waiting.filter(({ id }) => failed.has(id));
    if (waiting.length > 0 && attempt === ATTEMPTS) {
      for (const event of waiting) stuck.add(aggregateOf(event));
      return done;
    }
    if (waiting.length > 0) await clock.sleep(backoff(attempt, random, RETRY));
  }
  return done;
}
