// Runs one delivery round after the other until it is stopped: at once while there is more, else when the feed has grown.
import type { Clock } from "../../core/kernel/clock.ts";
import { asLongAs } from "../../core/kernel/gather.ts";
import type { Delivery } from "./delivery.ts";

/** Events that another process appended are found by then. */
const SWEEP_MS = 1_000;
/** Between rounds: a subscriber takes what comes meanwhile in one delivery, and writes it together. */
const GATHER = { least: 50, most: 200 };

export class DeliveryLoop {
  readonly delivery: Delivery;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #ended: Promise<void>;
  #stopped = false;
  #woken = false;
  #wake: (() => void) | undefined;

  constructor(delivery: Delivery, clock: Clock, onError: (error: unknown) => void) {
    this.delivery = delivery;
    this.#clock = clock;
    this.#onError = onError;
    this.#ended = this.#run();
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves when the round that is running has ended. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    return this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const began = this.#clock.now();
      const wait = await this.delivery.round().catch((error: unknown) => {
        // What a feed says that was taken away meanwhile is no news.
        if (!this.#stopped) this.#onError(error);
        return null;
      });
      if (wait === 0) continue;
      const rest = asLongAs(this.#clock.now() - began, GATHER);
      await this.#gather(rest);
      await this.#sleep(Math.max(0, Math.min(wait ?? SWEEP_MS, SWEEP_MS) - rest));
    }
  }

  async #gather(ms: number): Promise<void> {
    if (!this.#stopped) await this.#clock.sleep(ms);
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#woken || this.#stopped) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    await Promise.race([promise, this.#clock.sleep(ms)]);
    this.#wake = undefined;
  }
}
