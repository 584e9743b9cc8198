// Delivers a feed to its subscriber: at least once, in order per aggregate, in batches. An aggregate whose event fails
// is held back and tried again while the others go on; after MAX_ATTEMPTS it is parked and its events become dead letters.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";
import { aggregateOf } from "../../core/reactions.ts";
import { tracedDelivery } from "../../core/tracing/events.ts";
import type { DeadLetters } from "./event-log.ts";
import type { Feed, LogEntry } from "./feed.ts";
import { replayLetters } from "./replay-letters.ts";
import { verdictsOf, type Verdict } from "./verdicts.ts";

const MAX_ATTEMPTS = 5;
const BATCH = 200;
/** Events kept in memory behind failures; the reading waits when there are more. */
const MAX_HELD = 2_000;
/** Of events that are not for this subscriber: how many may be looked at again after a restart, and count as lag till then. */
const COMMIT_EVERY = 1_000;
const COMMIT_WITHIN_MS = 2_000;
const RETRY = { base: 100, cap: 5_000 };

export interface DeliveryOptions {
  readonly feed: Feed;
  readonly letters: DeadLetters;
  readonly subscriber: string;
  readonly types: readonly string[];
  readonly react: (params: { events: CloudEvent[]; replay?: boolean }) => Promise<{ outcomes: Outcome[] }>;
  readonly park: (params: { subject: string; from: number | null }) => Promise<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onDelivered?: (events: readonly CloudEvent[]) => void;
  readonly onDead?: (letters: readonly DeadLetter[]) => void;
}

export type ReadLetters = () => Promise<readonly DeadLetter[]>;

export interface Delivery {
  /**
   * One batch at most. Resolves with the milliseconds until there is more to do: 0 for now, null for when the log grows.
   * Rejects only when the log does; then nothing was committed.
   */
  round(): Promise<number | null>;
  /**
   * Delivers the feed's dead letters again, in order per aggregate, and unparks the aggregates that went through. No
   * round runs from before `read` is called until the end, and nobody else has the feed, so no letter of these
   * aggregates can be added behind its back.
   * @param read the subscriber's dead letters, those of other feeds as well; nothing that was read before it is called
   */
  replay(read: ReadLetters): Promise<{ replayed: number; left: number }>;
}

/** An aggregate whose first entry failed; later ones wait behind it. */
interface Held {
  readonly entries: readonly LogEntry[];
  readonly attempts: number;
  /** Attempts that failed because of the event itself. */
  readonly refusals: number;
  readonly dueAt: number;
}

export const createDelivery = (options: DeliveryOptions): Delivery => new SubscriberDelivery(options);

class SubscriberDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #held = new Map<string, Held>();
  #position: number | undefined;
  #committed = 0;
  #committedAt = 0;
  #away = { attempts: 0, until: 0 };
  #limit = BATCH;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  round(): Promise<number | null> {
    return this.#alone(async () => {
      try {
        return await this.#round();
      } catch (error) {
        // What was not settled must be read again: everything from the committed position on.
        this.#held.clear();
        this.#position = undefined;
        throw error;
      }
    });
  }

  replay(read: ReadLetters): Promise<{ replayed: number; left: number }> {
    return this.#alone(async () => replayLetters(this.#options, await read()));
  }

  /** A replay and a round must not deliver the same aggregate at once. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #round(): Promise<number | null> {
    const { feed, types, clock } = this.#options;
    const now = clock.now();
    if (this.#away.until > now) return this.#away.until - now;
    this.#position ??= this.#committed = await feed.committed();
    const due = [...this.#held.values()].filter(({ dueAt }) => dueAt <= now).flatMap(({ entries }) => entries);
    const room = Math.min(this.#limit - due.length, MAX_HELD - this.#heldCount());
    const fresh = room > 0 ? await feed.read(this.#position, types, room) : { entries: [], upTo: this.#position };
    const free = fresh.entries.filter(({ event }) => !this.#held.has(aggregateOf(event)));
    const batch = [...due.slice(0, this.#limit), ...free];
    const outcomes = await this.#ask(batch);
    if (outcomes === null) return this.#away.until - clock.now();
    this.#position = fresh.upTo;
    for (const entry of fresh.entries) this.#queueBehind(entry);
    for (const verdict of verdictsOf(batch, outcomes)) await this.#settle(verdict);
    await this.#commit(fresh.upTo, batch.length > 0);
    const more = due.length >= this.#limit || (room > 0 && fresh.entries.length === room);
    return more ? 0 : this.#nextDue();
  }

  /** Null while the subscriber is away: then nothing is known and all of it is asked again, in smaller batches. */
  async #ask(batch: readonly LogEntry[]): Promise<readonly Outcome[] | null> {
    const { react, subscriber, clock, random, onDelivered } = this.#options;
    if (batch.length === 0) return [];
    try {
      const events = batch.map(({ event }) => event);
      const { outcomes } = await tracedDelivery(subscriber, events, () => react({ events }));
      this.#away = { attempts: 0, until: 0 };
      this.#limit = Math.min(BATCH, this.#limit * 2);
      const done = new Set(outcomes.filter(({ outcome }) => outcome === "done").map(({ id }) => id));
      onDelivered?.(batch.map(({ event }) => event).filter(({ id }) => done.has(id)));
      return outcomes;
    } catch {
      const attempts = this.#away.attempts + 1;
      this.#away = { attempts, until: clock.now() + 1 + backoff(attempts, random, RETRY) };
      this.#limit = Math.max(1, Math.floor(this.#limit / 2));
      return null;
    }
  }

  /** Only behind what is held; the others are in the batch. */
  #queueBehind(entry: LogEntry): void {
    const aggregate = aggregateOf(entry.event);
    const held = this.#held.get(aggregate);
    if (held !== undefined) this.#held.set(aggregate, { ...held, entries: [...held.entries, entry] });
  }

  async #settle({ aggregate, asked, parked, failed, error, transient }: Verdict): Promise<void> {
    const { clock, random } = this.#options;
    const held = this.#held.get(aggregate);
    const behind = held?.entries.slice(asked.length) ?? [];
    await this.#bury(parked, "waits behind an event that failed", 0);
    const entries = [...failed, ...behind];
    const [first] = entries;
    if (first === undefined) {
      this.#held.delete(aggregate);
      return;
    }
    const before = held?.entries[0]?.position === first.position ? held : { attempts: 0, refusals: 0 };
    const attempts = failed.length === 0 ? 0 : before.attempts + 1;
    const refusals = failed.length === 0 || transient ? before.refusals : before.refusals + 1;
    const wait = attempts === 0 ? 0 : 1 + backoff(attempts, random, RETRY);
    this.#held.set(aggregate, { entries, attempts, refusals, dueAt: clock.now() + wait });
    if (refusals >= MAX_ATTEMPTS) await this.#giveUp(aggregate, first, entries, error, attempts);
  }

  /** Parked first: if the process dies in between, its events come again and are buried as parked ones. */
  async #giveUp(
    aggregate: string,
    first: LogEntry,
    entries: readonly LogEntry[],
    error: string,
    attempts: number,
  ): Promise<void> {
    try {
      await this.#options.park({ subject: aggregate, from: first.event.sequence });
    } catch {
      return;
    }
    await this.#bury([first], error, attempts);
    await this.#bury(entries.slice(1), "waits behind an event that failed", 0);
    this.#held.delete(aggregate);
  }

  async #bury(entries: readonly LogEntry[], error: string, attempts: number): Promise<void> {
    if (entries.length === 0) return;
    const { letters: deadLetters, subscriber, clock, onDead } = this.#options;
    const at = timestamp(clock.now());
    const letters = entries.map(({ position, event }) => ({
      position,
      subscriber,
      subject: aggregateOf(event),
      event,
      error,
      attempts,
      at,
    }));
    await deadLetters.bury(letters);
    onDead?.(letters);
  }

  /** Everything before the first event that is still held is done or buried. */
  async #commit(upTo: number, delivered: boolean): Promise<void> {
    const firstHeld = Math.min(...[...this.#held.values()].map(({ entries }) => entries[0]?.position ?? Infinity));
    const position = Math.min(upTo, firstHeld - 1);
    const now = this.#options.clock.now();
    const isSoon = position < this.#committed + COMMIT_EVERY && now < this.#committedAt + COMMIT_WITHIN_MS;
    if (position <= this.#committed || (!delivered && isSoon)) return;
    await this.#options.feed.commit(position);
    this.#committed = position;
    this.#committedAt = now;
  }

  #heldCount(): number {
    return [...this.#held.values()].reduce((count, { entries }) => count + entries.length, 0);
  }

  #nextDue(): number | null {
    const next = Math.min(...[...this.#held.values()].map(({ dueAt }) => dueAt));
    return next === Infinity ? null : Math.max(0, next - this.#options.clock.now());
  }
}
