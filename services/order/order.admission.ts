// Refuses new orders while placing one takes too long. What is looked at is the part of placing that never waits for
// anybody outside: asking product, inventory, billing and customer, and storing the order. By Little's law so many of
// them run at once as end in the time that one takes; so a bound on how many run bounds how long each takes, at any rate
// of arrivals. A slow payment provider is no overload and is not seen here. ADR 26.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { resilience } from "../../core/resilience.ts";

/**
 * What that part may take, or twice of what it takes alone where that is more. The saga behind it meets the same queues
 * about nine times as often: measured, at twice of what a shop can do.
 */
const TARGET_MS = 20;
const TIMES_ALONE = 2;
/** But never more than this: the first placings after a start are slow, and a store may hang for a moment. */
const TARGET_MOST_MS = 100;
/** Once it took longer it has to be well better: half of the target, or so many times of what it takes alone. */
const WELL_TIMES_ALONE = 1.5;
/**
 * What it takes alone is the least of the placings that began while no other ran. A longer one moves it by this share of
 * the difference, so that it follows a store that has become slower.
 */
const SLOWER = 0.005;
/**
 * How long it may take longer: a burst that is over by then is no overload (RFC 8289 on the good queue). Half a second: the
 * buyers of a sale, who come within one moment, are all in by then; what comes later could not be answered in time.
 */
const BURST_MS = 500;
/** And so long while the last overload is not long over. */
const AGAIN_MS = 200;
const OVER_MS = 10_000;
const SAMPLE_MS = 50;
/** Of the rate at which placings end: half a second of samples, so that a pause of the garbage collector is no trend. */
const NEWEST = 0.1;
/** Above what Little's law asks for: with exactly that many the core would now and then have nothing to do. */
const SPARE = 1.75;
/** So few at once are no queue: then it is something else that is slow, and refusing would not make it quicker. */
const ALWAYS = 6;
/** Of a burst: as many as run at once on a node. */
const MOST: number = resilience["v1.order.place"].bulkhead.concurrency;
/** Of one while the last overload is not long over. */
const MOST_AGAIN = 256;
/** Of one second up to this: not all of those that were refused come back at once. */
const RETRY_WITHIN_S = 3;

export class Admission {
  readonly #clock: Clock;
  readonly #random: Random;
  #running = 0;
  #ended = 0;
  /** In this sample, the quickest: when even that one waited, all did (RFC 8289). */
  #quickestMs = Infinity;
  #sampledAt: number;
  #endedPerMs = 0;
  /** In this sample, the most at once. */
  #most = 0;
  /** What it takes when no other placing runs as it begins. */
  #aloneMs = Infinity;
  /** Since when the quickest takes longer than it may; null: it does not. */
  #lateSince: number | null = null;
  #overloadedAt = -Infinity;
  #limit = MOST;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#sampledAt = clock.now();
  }

  /** @throws OVERLOADED instead of running it */
  async through<T>(placing: () => Promise<T>): Promise<T> {
    const begin = this.#clock.now();
    this.#sample(begin);
    if (this.#running >= this.#limit) throw this.#refusal();
    const isAlone = this.#running === 0;
    this.#running += 1;
    this.#most = Math.max(this.#most, this.#running);
    try {
      const placed = await placing();
      this.#took(this.#clock.now() - begin, isAlone);
      return placed;
    } finally {
      this.#running -= 1;
      this.#ended += 1;
      this.#sample(this.#clock.now());
    }
  }

  /** Of one that was placed: a refusal takes no time and says nothing about the others. */
  #took(tookMs: number, isAlone: boolean): void {
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    if (!isAlone) return;
    this.#aloneMs = tookMs < this.#aloneMs ? tookMs : this.#aloneMs + (tookMs - this.#aloneMs) * SLOWER;
  }

  #sample(now: number): void {
    const passed = now - this.#sampledAt;
    if (passed < SAMPLE_MS) return;
    // After a pause the old rate says little: it counts as if samples had been taken.
    const weight = 1 - (1 - NEWEST) ** (passed / SAMPLE_MS);
    this.#endedPerMs += (this.#ended / passed - this.#endedPerMs) * weight;
    this.#lateSince = this.#isLate() ? (this.#lateSince ?? now) : null;
    const [tolerated, most] = now - this.#overloadedAt < OVER_MS ? [AGAIN_MS, MOST_AGAIN] : [BURST_MS, MOST];
    const isOverload = this.#lateSince !== null && now - this.#lateSince >= tolerated;
    if (isOverload) this.#overloadedAt = now;
    this.#limit = isOverload ? Math.max(ALWAYS, Math.ceil(this.#endedPerMs * this.#targetMs * SPARE)) : most;
    this.#sampledAt = now;
    this.#ended = 0;
    this.#quickestMs = Infinity;
    this.#most = this.#running;
  }

  get #targetMs(): number {
    return this.#bound(TARGET_MS, TIMES_ALONE);
  }

  #bound(leastMs: number, timesAlone: number): number {
    const alone = Number.isFinite(this.#aloneMs) ? this.#aloneMs : 0;
    return Math.min(TARGET_MOST_MS, Math.max(leastMs, timesAlone * alone));
  }

  /** Leaving takes more than not entering: else it would flutter around the bound that it keeps itself. */
  #isLate(): boolean {
    if (this.#quickestMs === Infinity) return this.#lateSince !== null && this.#running > 0;
    if (this.#lateSince !== null) return this.#quickestMs > this.#bound(TARGET_MS / 2, WELL_TIMES_ALONE);
    return this.#most > ALWAYS && this.#quickestMs > this.#targetMs;
  }

  #refusal(): Error {
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
