// Refuses new orders while placing one takes too long. What is looked at is the part of placing that never waits for
// anybody outside: asking product, inventory, billing and customer, and storing the order. By Little's law so many of
// them run at once as end in the time that one takes; so a bound on how many run bounds how long each takes, at any rate
// of arrivals. A slow payment provider is no overload and is not seen here. ADR 26.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/**
 * What that part may take, or twice of what it takes alone where that is more. The saga behind it meets the same queues
 * about nine times as often: measured, at twice of what a shop can do.
 */
const TARGET_MS = 20;
const TIMES_ALONE = 2;
/** It takes that long alone when nothing else is under way either: the least counts, and is forgotten slowly. */
const FORGOTTEN = 0.005;
/**
 * How long it may take longer: a burst that is over by then is no overload (RFC 8289 on the good queue). Half a second,
 * because whoever opens a sale sends all its buyers within one moment; what comes in a second is an overload's first part,
 * which nobody could answer in time.
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
/** Of a burst. */
const MOST = 256;
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
  /** What it takes when nothing else is being placed as it begins. */
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
      return await placing();
    } finally {
      this.#running -= 1;
      this.#ended += 1;
      const end = this.#clock.now();
      this.#quickestMs = Math.min(this.#quickestMs, end - begin);
      if (isAlone) this.#tookAlone(end - begin);
      this.#sample(end);
    }
  }

  #sample(now: number): void {
    const passed = now - this.#sampledAt;
    if (passed < SAMPLE_MS) return;
    // After a pause the old rate says little: it counts as if samples had been taken.
    const weight = 1 - (1 - NEWEST) ** (passed / SAMPLE_MS);
    this.#endedPerMs += (this.#ended / passed - this.#endedPerMs) * weight;
    this.#lateSince = this.#isLate() ? (this.#lateSince ?? now) : null;
    const tolerated = now - this.#overloadedAt < OVER_MS ? AGAIN_MS : BURST_MS;
    const isOverload = this.#lateSince !== null && now - this.#lateSince >= tolerated;
    if (isOverload) this.#overloadedAt = now;
    this.#limit = isOverload ? Math.max(ALWAYS, Math.ceil(this.#endedPerMs * this.#targetMs * SPARE)) : MOST;
    this.#sampledAt = now;
    this.#ended = 0;
    this.#quickestMs = Infinity;
    this.#most = this.#running;
  }

  #tookAlone(tookMs: number): void {
    this.#aloneMs = tookMs < this.#aloneMs ? tookMs : this.#aloneMs + (tookMs - this.#aloneMs) * FORGOTTEN;
  }

  get #targetMs(): number {
    return Number.isFinite(this.#aloneMs) ? Math.max(TARGET_MS, TIMES_ALONE * this.#aloneMs) : TARGET_MS;
  }

  /** Once it is late, it has to become well better, so that it does not flutter around the bound that it keeps itself. */
  #isLate(): boolean {
    if (this.#ended === 0) return this.#lateSince !== null && this.#running > 0;
    if (this.#lateSince !== null) return this.#quickestMs > this.#targetMs / 2;
    return this.#most > ALWAYS && this.#quickestMs > this.#targetMs;
  }

  #refusal(): Error {
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
