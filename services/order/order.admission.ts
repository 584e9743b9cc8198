// Refuses new orders while more are in work than the shop gets through in time. By Little's law an order takes as long as
// those in work divided by the rate at which they end; so a bound on how many are in work bounds how long each takes, at
// any rate of arrivals. What waits for somebody outside, such as a slow payment provider, is not in work. ADR 26.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { resilience } from "../../core/resilience.ts";

/** How long an order may be in work, or twice of what it takes without a queue where that is more. */
const TARGET_MS = 300;
const TIMES_UNQUEUED = 2;
/** So many in work are no queue, and are always let in: some are on their way between two services or wait for a disk. */
const NO_QUEUE = 24;
/**
 * What an order takes while there are no more than those moves the average by this share of the difference. A shop whose
 * orders wait for a slow network or store, and not for each other, comes down to so few once, and learns by that.
 */
const LEARNED = 0.05;
/** Longer ones say more about a clock that was set than about the shop. */
const CREDIBLE_MS = 10_000;
/** Of what is averaged: half a second of samples, so that a pause of the garbage collector is no trend. */
const NEWEST = 0.1;
const SAMPLE_MS = 50;
/** Beyond what one takes without a queue, how long there may be more than the bound: a burst that is over by then is no overload. */
const BURST_MS = 500;
/** Before it is known what one takes. */
const UNKNOWN_MS = 1_000;
/** And how many, so long: as many as are placed at once on a node. */
const MOST: number = resilience["v1.order.place"].bulkhead.concurrency;
/** An overload is over when for so long there was nobody refused in this part of the samples: a burst is refused in one. */
const OVER_MS = 10_000;
const REFUSING = 0.3;
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
  /** In this sample, and in which part of them. */
  #hasRefused = false;
  #refusing = 0;
  /** Whose sagas ended in this sample. */
  #done = 0;
  #donePerMs = 0;
  #sampledAt: number;
  #unqueuedMs: number | null = null;
  /** Since when there are more than the bound. */
  #overSince: number | null = null;
  #overloadedAt = -Infinity;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#sampledAt = clock.now();
  }

  get inWork(): number {
    return this.#inWork;
  }

  /** How many may be in work now: MOST, or more, while there is no overload. */
  get bound(): number {
    const now = this.#clock.now();
    this.#sample(now);
    return this.#isOverload(now) ? this.#inTime : Math.max(MOST, this.#inTime);
  }

  /** @throws OVERLOADED instead of letting one more in */
  admit(): Work {
    if (this.#inWork >= this.bound) throw this.#refusal();
    return this.#enter(true);
  }

  /** A saga that another process has left: what was accepted once is never refused. */
  resume(): Work {
    return this.#enter(false);
  }

  #enter(isWhole: boolean): Work {
    const begin = this.#clock.now();
    const hasRoom = this.#inWork < NO_QUEUE;
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
        if (isWhole && hasRoom && this.#inWork < NO_QUEUE) this.#learn(this.#clock.now() - begin - outsideMs);
      },
      left: end,
    };
  }

  #count(change: 1 | -1): void {
    this.#sample(this.#clock.now());
    this.#inWork += change;
  }

  #learn(tookMs: number): void {
    if (tookMs < 0 || tookMs > CREDIBLE_MS) return;
    this.#unqueuedMs ??= tookMs;
    this.#unqueuedMs += (tookMs - this.#unqueuedMs) * LEARNED;
  }

  #isOverload(now: number): boolean {
    return now - this.#overloadedAt < OVER_MS;
  }

  /** So many end within the target. */
  get #inTime(): number {
    const targetMs = Math.max(TARGET_MS, TIMES_UNQUEUED * (this.#unqueuedMs ?? 0));
    return Math.max(NO_QUEUE, Math.ceil(this.#donePerMs * targetMs));
  }

  #sample(now: number): void {
    const passed = now - this.#sampledAt;
    if (passed < 0) this.#setBack(now);
    if (passed < SAMPLE_MS) return;
    // After a pause the old rate says little: it counts as if samples had been taken.
    const weight = 1 - (1 - NEWEST) ** (passed / SAMPLE_MS);
    this.#donePerMs += (this.#done / passed - this.#donePerMs) * weight;
    this.#averageInWork += (this.#inWork - this.#averageInWork) * weight;
    // However long the pause was after it: one sample.
    this.#refusing = this.#refusing * (1 - weight) + (this.#hasRefused ? NEWEST : 0);
    if (this.#isOverload(now) ? this.#refusing > REFUSING : this.#isOver(now)) this.#overloadedAt = now;
    this.#sampledAt = now;
    this.#done = 0;
    this.#hasRefused = false;
  }

  /** More than the bound, and for longer than a burst. */
  #isOver(now: number): boolean {
    this.#overSince = this.#averageInWork > this.#inTime ? (this.#overSince ?? now) : null;
    // Those that just came cannot have ended yet.
    return this.#overSince !== null && now - this.#overSince >= BURST_MS + (this.#unqueuedMs ?? UNKNOWN_MS);
  }

  /** The clock of the machine was. */
  #setBack(now: number): void {
    this.#sampledAt = now;
    this.#done = 0;
    this.#overSince = null;
    this.#overloadedAt = Math.min(this.#overloadedAt, now);
  }

  #refusal(): Error {
    this.#hasRefused = true;
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
