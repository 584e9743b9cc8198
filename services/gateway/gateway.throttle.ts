// Refuses new orders at the door while the order service refuses some: there a refusal costs a tenth of an order, here
// next to nothing. Client-side throttling: "Handling Overload" in Site Reliability Engineering (O'Reilly, 2016).

import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/**
 * Sent for each that was accepted. Below 2, as the book has it, fewer are refused the dear way; above 1, so that it
 * is found out when more can be done: a tenth more in each window.
 */
const SURPLUS = 1.1;
const WINDOW_MS = 2_000;

export interface ThrottleOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** Counts fade: after a window each counts for a third. */
export class Throttle {
  readonly #options: ThrottleOptions;
  #asked = 0;
  /** Sent on and not refused, or not yet. */
  #accepted = 0;
  #at: number;

  constructor(options: ThrottleOptions) {
    this.#options = options;
    this.#at = options.clock.now();
  }

  /** Whether this order is not even sent on. */
  refuses(): boolean {
    this.#fade();
    const share = (this.#asked - SURPLUS * this.#accepted) / (this.#asked + 1);
    this.#asked += 1;
    if (this.#options.random.fraction() < share) return true;
    this.#accepted += 1;
    return false;
  }

  /** One that was sent on came back. */
  refused(): void {
    this.#fade();
    this.#accepted = Math.max(0, this.#accepted - 1);
  }

  #fade(): void {
    const now = this.#options.clock.now();
    const rest = Math.exp((this.#at - now) / WINDOW_MS);
    this.#asked *= rest;
    this.#accepted *= rest;
    this.#at = now;
  }
}
