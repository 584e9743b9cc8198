// Follows the subscribers: a subscription for each, and a delivery loop for each feed that it has here at the moment.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Delivery, ReadLetters } from "./delivery.ts";
import { DeliveryLoop } from "./delivery-loop.ts";
import type { EventLog } from "./event-log.ts";
import type { Feed, FeedListener, Subscription } from "./feed.ts";

export interface Subscriptions {
  /** Event types by subscriber. One that went away keeps its subscription, which waits for it. */
  follow(subscribers: ReadonlyMap<string, readonly string[]>): void;
  subscribers(): ReadonlyMap<string, readonly string[]>;
  /** Delivers the dead letters of this process's feeds again. How many went through. */
  replay(subscriber: string): Promise<number>;
  stop(): Promise<void>;
}

export interface SubscriptionOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly create: (subscriber: string, types: readonly string[], feed: Feed) => Delivery;
  readonly onError: (error: unknown) => void;
  /** How many a subscriber has here now. */
  readonly onFeeds?: (subscriber: string, count: number) => void;
}

class Subscribed implements FeedListener {
  readonly types: readonly string[];
  readonly #subscriber: string;
  readonly #options: SubscriptionOptions;
  readonly #loops = new Map<Feed, DeliveryLoop>();
  readonly #ending = new Set<Promise<void>>();
  readonly #subscription: Subscription;

  constructor(subscriber: string, types: readonly string[], options: SubscriptionOptions) {
    this.#subscriber = subscriber;
    this.types = types;
    this.#options = options;
    this.#subscription = options.log.subscribe(subscriber, types, this);
  }

  opened(feed: Feed): void {
    const { create, clock, onError } = this.#options;
    this.#loops.set(feed, new DeliveryLoop(create(this.#subscriber, this.types, feed), clock, onError));
    this.#count();
  }

  grew(feed: Feed): void {
    this.#loops.get(feed)?.wake();
  }

  closed(feed: Feed): void {
    const ended = this.#loops.get(feed)?.stop();
    this.#loops.delete(feed);
    this.#count();
    if (ended === undefined) return;
    const tracked = ended.finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }

  #count(): void {
    this.#options.onFeeds?.(this.#subscriber, this.#loops.size);
  }

  /**
   * A feed's letters are read when no round runs in it, so that what its last one buried is among them. Feeds that come to
   * that at the same time share a reading.
   */
  async replay(): Promise<number> {
    const { onError } = this.#options;
    const read = this.#sharedReading();
    const shares = [...this.#loops].map(async ([feed, { delivery }]) => {
      const { replayed } = await delivery.replay(async () => {
        const letters = await read();
        // Who has a feed now that was taken away meanwhile may be burying letters of it.
        return this.#loops.has(feed) ? letters : [];
      });
      return replayed;
    });
    const done = await Promise.allSettled(shares);
    const failures = done.flatMap(share => (share.status === "rejected" ? [share.reason as unknown] : []));
    for (const failure of new Set(failures)) onError(failure);
    return done.reduce((sum, share) => sum + (share.status === "fulfilled" ? share.value : 0), 0);
  }

  /** Who asks while letters are read gets those of the next reading. */
  #sharedReading(): ReadLetters {
    const { log } = this.#options;
    let last: Promise<unknown> = Promise.resolve();
    let next: Promise<readonly DeadLetter[]> | null = null;
    return () => {
      next ??= last.then(() => {
        next = null;
        const reading = log.deadLetters({ subscriber: this.#subscriber });
        last = reading.catch(() => undefined);
        return reading;
      });
      return next;
    };
  }

  /** The running rounds may commit; only then are the feeds given back. */
  async stop(): Promise<void> {
    await Promise.all([...this.#loops.values()].map(loop => loop.stop()));
    await this.#subscription.stop();
    await Promise.all(this.#ending);
  }
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.toSorted().join(" ") === b.toSorted().join(" ");

export function createSubscriptions(options: SubscriptionOptions): Subscriptions {
  const known = new Map<string, Subscribed>();
  const replaced: Promise<void>[] = [];
  let stopped = false;

  function followOne(subscriber: string, types: readonly string[]): void {
    const before = known.get(subscriber);
    if (before !== undefined && isSame(before.types, types)) return;
    known.set(subscriber, new Subscribed(subscriber, types, options));
    // Both deliver for a moment, as at any take-over; a reaction changes nothing when its event comes again.
    if (before !== undefined) replaced.push(before.stop());
  }

  return {
    follow(subscribers) {
      if (stopped) return;
      for (const [subscriber, types] of subscribers) followOne(subscriber, types);
    },
    subscribers: () => new Map([...known].map(([subscriber, { types }]) => [subscriber, types])),
    replay: async subscriber => (await known.get(subscriber)?.replay()) ?? 0,
    async stop() {
      stopped = true;
      await Promise.all([...[...known.values()].map(subscribed => subscribed.stop()), ...replaced]);
    },
  };
}
