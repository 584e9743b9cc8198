// Refuses new orders while more are in work than the shop gets through in time. By Little's law an order takes as long as
// those in work divided by the rate at which they end; so a bound on how many are in work bounds how long each takes, at
// any rate of arrivals. What waits for somebody outside, such as a slow payment provider, is not in work. ADR 26.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { resilience } from "../../core/resilience.ts";

/** How long an order may be in work, or twice of what it takes alone where that is more. */
const TARGET_MS = 300;
const TIMES_ALONE = 2;
/** But never more than this: the first orders after a start are slow. */
const TARGET_MOST_MS = 1_000;
/**
 * What an order takes alone is the least that any took. One that takes longer although no other was in work when it began
 * moves it by this share of the difference, so that it follows a store that has become slower.
 */
const SLOWER = 0.005;
/** Of what is averaged: half a second of samples, so that a pause of the garbage collector is no trend. */
const NEWEST = 0.1;
const SAMPLE_MS = 50;
/** So many in work are no queue: some are always on their way between two services. */
const LEAST = 24;
/** Beyond the time that one takes alone, how long there may be more than the bound: a burst that is over by then is no overload. */
const BURST_MS = 500;
/** And how many, so long: as many as are placed at once on a node. */
const MOST: number = resilience["v1.order.place"].bulkhead.concurrency;
/** An overload is over when for so long there were not, for as long as a burst, more than half of the bound. */
const OVER_MS = 10_000;
/** A refused client comes back within one second up to this: not all of them at once. */
const RETRY_WITHIN_S = 3;

/** One order, from the moment it was let in until its saga has ended. */
export interface Work {
  /** While this runs the order is not in work here. */
  readonly outside: <T>(wait: () => Promise<T>) => Promise<T>;
  /** Its saga came to its end. */
  readonly done: () => void;
  /** It ended before, or goes on elsewhere: that says nothing about how quick the shop is. */
  readonly left: () => void;
}

export class Admission {
  readonly #clock: Clock;
  readonly #random: Random;
  #inWork = 0;
  #averageInWork = 0;
  /** Whose sagas ended in this sample. */
  #done = 0;
  #donePerMs = 0;
  #sampledAt: number;
  #aloneMs: number | null = null;
  /** Since when there are more than the bound. */
  #overSince: number | null = null;
  #overloadedAt = -Infinity;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#sampledAt = clock.now();
  }

  /** @throws OVERLOADED instead of letting one more in */
  admit(): Work {
    const now = this.#clock.now();
    this.#sample(now);
    if (this.#inWork >= (this.#isOverload(now) ? this.#bound : MOST)) throw this.#refusal();
    return this.#enter(true);
  }

  /** A saga that another process has left: what was accepted once is never refused. */
  resume(): Work {
    return this.#enter(false);
  }

  #enter(isWhole: boolean): Work {
    const begin = this.#clock.now();
    const isAlone = this.#inWork === 0;
    let outsideMs = 0;
    let hasEnded = false;
    const end = (): boolean => {
      const isFirst = !hasEnded;
      hasEnded = true;
      if (isFirst) this.#count(-1);
      return isFirst;
    };
    this.#count(1);
    return {
      outside: async wait => {
        const from = this.#clock.now();
        this.#count(-1);
        try {
          return await wait();
        } finally {
          this.#count(1);
          outsideMs += this.#clock.now() - from;
        }
      },
      done: () => {
        if (!end()) return;
        this.#done += 1;
        if (isWhole) this.#took(this.#clock.now() - begin - outsideMs, isAlone);
      },
      left: end,
    };
  }

  #count(change: 1 | -1): void {
    this.#sample(this.#clock.now());
    this.#inWork += change;
  }

  #took(tookMs: number, isAlone: boolean): void {
    if (this.#aloneMs === null || tookMs < this.#aloneMs) this.#aloneMs = tookMs;
    else if (isAlone) this.#aloneMs += (tookMs - this.#aloneMs) * SLOWER;
  }

  #isOverload(now: number): boolean {
    return now - this.#overloadedAt < OVER_MS;
  }

  get #bound(): number {
    const targetMs = Math.min(TARGET_MOST_MS, Math.max(TARGET_MS, TIMES_ALONE * (this.#aloneMs ?? 0)));
    return Math.max(LEAST, Math.ceil(this.#donePerMs * targetMs));
  }

  #sample(now: number): void {
    const passed = now - this.#sampledAt;
    if (passed < SAMPLE_MS) return;
    // After a pause the old rate says little: it counts as if samples had been taken.
    const weight = 1 - (1 - NEWEST) ** (passed / SAMPLE_MS);
    this.#donePerMs += (this.#done / passed - this.#donePerMs) * weight;
    this.#averageInWork += (this.#inWork - this.#averageInWork) * weight;
    // While it lasts the bound itself keeps them from being more.
    const isOver = this.#averageInWork > (this.#isOverload(now) ? this.#bound / 2 : this.#bound);
    this.#overSince = isOver ? (this.#overSince ?? now) : null;
    // Those that just came cannot have ended sooner than alone.
    const burstMs = BURST_MS + Math.min(TARGET_MOST_MS, this.#aloneMs ?? TARGET_MOST_MS);
    if (this.#overSince !== null && now - this.#overSince >= burstMs) this.#overloadedAt = now;
    this.#sampledAt = now;
    this.#done = 0;
  }

  #refusal(): Error {
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
