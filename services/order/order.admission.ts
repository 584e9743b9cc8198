// Refuses new orders while placing one takes too long. What is looked at is the part of placing that never waits for
// anybody outside: asking product, inventory, billing and customer, and storing the order. By Little's law so many of
// them run at once as end in the time that one takes; so a bound on how many run bounds how long each takes, at any rate
// of arrivals. A slow payment provider is no overload and is not seen here. ADR 26.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/** What that part may take. The saga behind it meets the same queues about three times as often. */
const TARGET_MS = 100;
/**
 * How long it may take longer: a burst that is over by then is no overload (RFC 8289 on the good queue). A second, because
 * whoever opens a sale sends all its buyers within one, and a machine that does something else for a moment is no overload.
 */
const BURST_MS = 1_000;
/** And so long while the last overload is not long over. */
const AGAIN_MS = 200;
const OVER_MS = 10_000;
const SAMPLE_MS = 50;
/** Of the rate at which placings end: half a second of samples, so that a pause of the garbage collector is no trend. */
const NEWEST = 0.1;
/** Above what Little's law asks for: with exactly that many the core would now and then have nothing to do. */
const SPARE = 1.75;
/** So few at once are no queue: then it is something else that is slow, and refusing would not make it quicker. */
const ALWAYS = 12;
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
    this.#running += 1;
    try {
      return await placing();
    } finally {
      this.#running -= 1;
      this.#ended += 1;
      const end = this.#clock.now();
      this.#quickestMs = Math.min(this.#quickestMs, end - begin);
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
    this.#limit = isOverload ? Math.max(ALWAYS, Math.ceil(this.#endedPerMs * TARGET_MS * SPARE)) : MOST;
    this.#sampledAt = now;
    this.#ended = 0;
    this.#quickestMs = Infinity;
  }

  /** Once it is late, it has to become well better, so that it does not flutter around the bound that it keeps itself. */
  #isLate(): boolean {
    if (this.#ended === 0) return this.#lateSince !== null && this.#running > 0;
    return this.#quickestMs > (this.#lateSince === null ? TARGET_MS : TARGET_MS / 2);
  }

  #refusal(): Error {
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
