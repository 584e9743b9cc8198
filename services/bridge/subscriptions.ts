// One delivery loop per subscriber, woken when the log grows.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Delivery } from "./delivery.ts";

/** Events that another process appended are found by then. */
const SWEEP_MS = 1_000;
/** Between rounds: a subscriber takes what comes meanwhile in one delivery, and writes it together. */
const GATHER_MS = 20;

class Loop {
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

  stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    return this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const wait = await this.delivery.round().catch((error: unknown) => {
        this.#onError(error);
        return null;
      });
      if (wait === 0) continue;
      await this.#gather();
      await this.#sleep(Math.max(0, Math.min(wait ?? SWEEP_MS, SWEEP_MS) - GATHER_MS));
    }
  }

  async #gather(): Promise<void> {
    if (!this.#stopped) await this.#clock.sleep(GATHER_MS);
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

export interface Subscriptions {
  /** Starts a loop for each subscriber that has none; a subscriber that went away keeps its loop, which waits for it. */
  follow(subscribers: ReadonlyMap<string, readonly string[]>): void;
  deliveryOf(subscriber: string): Delivery | undefined;
  wake(): void;
  stop(): Promise<void>;
}

export function createSubscriptions(
  clock: Clock,
  create: (subscriber: string, types: readonly string[]) => Delivery,
  onError: (error: unknown) => void,
): Subscriptions {
  const loops = new Map<string, Loop>();
  return {
    follow(subscribers) {
      for (const [subscriber, types] of subscribers) {
        if (!loops.has(subscriber)) loops.set(subscriber, new Loop(create(subscriber, types), clock, onError));
      }
    },
    deliveryOf: subscriber => loops.get(subscriber)?.delivery,
    wake() {
      for (const loop of loops.values()) loop.wake();
    },
    async stop() {
      await Promise.all([...loops.values()].map(loop => loop.stop()));
    },
  };
}
