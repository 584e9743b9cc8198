// Refuses new orders at the door while the order service refuses some: there a refusal costs a tenth of an order, here
// next to nothing. Each refusal inside lets a little less through, and time lets more through again, so that some 35 a
// second are refused inside, whatever comes: they say that there is still too much. ADR 26.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/** Of the share that is let through, after one refusal inside. */
const KEPT = 0.99;
/** Per second: from a tenth to all in seven. */
const GROWTH = 0.35;
/** So few still find out that there is room again. */
const LEAST = 0.02;

export interface ThrottleOptions {
  readonly clock: Clock;
  readonly random: Random;
}

export class Throttle {
  readonly #options: ThrottleOptions;
  /** Of new orders that are sent on. */
  #share = 1;
  #at: number;

  constructor(options: ThrottleOptions) {
    this.#options = options;
    this.#at = options.clock.now();
  }

  /** Whether this order is not even sent on. */
  refuses(): boolean {
    this.#grow();
    return this.#share < 1 && this.#options.random.fraction() >= this.#share;
  }

  /** One that was sent on was refused. */
  refused(): void {
    this.#grow();
    this.#share = Math.max(LEAST, this.#share * KEPT);
  }

  #grow(): void {
    const now = this.#options.clock.now();
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#share = Math.min(1, this.#share * Math.exp(GROWTH * seconds));
    this.#at = now;
  }
}
