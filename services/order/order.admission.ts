// Refuses new orders while placing one takes too long: PIE (RFC 8033), the queue discipline that drops a share of what
// comes so that the delay stays at its target. The delay is that of what never waits for anybody outside: asking product,
// inventory, billing and customer, and storing the order. A slow payment provider is no overload.
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/** What that part may take. The saga behind it meets the same queues some three times more often. */
const TARGET_MS = 100;
const UPDATE_MS = 100;
/**
 * Per update and second of delay. The delay answers a change one delay later, so these are a tenth of what would swing:
 * at twice of what can be done the share is right after some 0.3 s.
 */
const GAIN = { error: 0.2, trend: 0.3 };
/** RFC 8033, 4.2: what the share loses of itself per update once the queue is empty. */
const DECAY = 0.8;
/** So few at once are no queue: then it is something else that is slow, and refusing would not make it quicker. */
const ALWAYS = 8;
const MOST = 0.99;
/** Of one second up to this: not all of those that were refused come back at once. */
const RETRY_WITHIN_S = 3;

export class Admission {
  readonly #clock: Clock;
  readonly #random: Random;
  #running = 0;
  #share = 0;
  #delayMs = 0;
  /** The quickest since the last update (as CoDel does, RFC 8289): when even that one waited, all did. */
  #quickestMs: number | null = null;
  #updatedAt: number;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#updatedAt = clock.now();
  }

  /** The share of new orders that is refused, 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** @throws OVERLOADED instead of running it */
  async through<T>(placing: () => Promise<T>): Promise<T> {
    const begin = this.#clock.now();
    this.#update(begin);
    if (this.#running >= ALWAYS && this.#random.fraction() < this.#share) throw this.#refusal();
    this.#running += 1;
    try {
      return await placing();
    } finally {
      this.#running -= 1;
      const end = this.#clock.now();
      this.#quickestMs = Math.min(this.#quickestMs ?? Infinity, end - begin);
      this.#update(end);
    }
  }

  #update(now: number): void {
    const updates = Math.floor((now - this.#updatedAt) / UPDATE_MS);
    if (updates < 1) return;
    this.#updatedAt = now;
    const isIdle = this.#quickestMs === null && this.#running === 0;
    // Nothing has ended, but something runs: nothing new is known.
    const delayMs = isIdle ? 0 : (this.#quickestMs ?? this.#delayMs);
    const error = (delayMs - TARGET_MS) / 1000;
    const trend = (delayMs - this.#delayMs) / 1000;
    const share = this.#share + GAIN.error * error + GAIN.trend * trend;
    const kept = delayMs === 0 ? share * DECAY ** updates : share;
    this.#share = Math.min(MOST, Math.max(0, kept));
    this.#delayMs = delayMs;
    this.#quickestMs = null;
  }

  #refusal(): Error {
    const retryAfter = 1 + Math.floor(this.#random.fraction() * RETRY_WITHIN_S);
    return fail("OVERLOADED", "More orders come in than can be placed now: try again soon", { retryAfter });
  }
}
