// Refuses new orders at the door while the order service refuses some: there a refusal costs a sixth of an order, here a
// thirtieth. Of what is sent on, the part that was refused inside tells by how much too much it was; some are always
// refused inside, whatever comes: they say that there is still too much. ADR 26.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

/** How often the share is set anew: longer than it takes until a refusal is known here. */
const WINDOW_MS = 500;
/** Of what is sent on, so much may be refused inside: then the share stays. */
const REFUSED = 0.05;
/** Of the share, what is kept at least: while the order service works off what piled up, it lets nobody in. */
const KEPT = 0.6;
/** By so much it grows when nobody was refused inside: from a tenth to all in five seconds. */
const GROWTH = 1.3;
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
  /** When this window began, and what was seen in it. */
  #from: number;
  #sent = 0;
  #refused = 0;

  constructor(options: ThrottleOptions) {
    this.#options = options;
    this.#from = options.clock.now();
  }

  /** Of new orders, what is sent on: 0 to 1. */
  get share(): number {
    this.#turn();
    return this.#share;
  }

  /** Whether this order is not even looked at. */
  refuses(): boolean {
    this.#turn();
    return this.#share < 1 && this.#options.random.fraction() >= this.#share;
  }

  /** One goes to the order service: not each that is let in does, some are wrong or of nobody. */
  sent(): void {
    this.#turn();
    this.#sent += 1;
  }

  /** One that was sent on was refused. */
  refused(): void {
    this.#turn();
    this.#refused += 1;
  }

  #turn(): void {
    const now = this.#options.clock.now();
    // Also when the machine's clock was set back.
    if (now < this.#from) this.#from = now;
    const windows = Math.floor((now - this.#from) / WINDOW_MS);
    if (windows < 1) return;
    // In those after the first nothing came.
    const factor = this.#factor() * GROWTH ** (windows - 1);
    this.#share = Math.min(1, Math.max(LEAST, this.#share * factor));
    this.#from = now;
    this.#sent = 0;
    this.#refused = 0;
  }

  #factor(): number {
    if (this.#refused === 0) return GROWTH;
    return Math.max(KEPT, 1 + REFUSED - this.#refused / Math.max(1, this.#sent));
  }
}
