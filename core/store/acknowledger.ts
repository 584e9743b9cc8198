// Acknowledgements of one moment go to the driver in one call.
import type { Clock } from "../kernel/clock.ts";
import type { Acknowledgement, Driver } from "./driver.ts";

interface Waiting extends Acknowledgement {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Acknowledger {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #onTaken: (events: number) => void;
  #waiting: Waiting[] = [];

  constructor(driver: Driver, clock: Clock, onTaken: (events: number) => void) {
    this.#driver = driver;
    this.#clock = clock;
    this.#onTaken = onTaken;
  }

  add(id: string, seq: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#clock.defer(() => void this.#flush());
      this.#waiting.push({ id, seq, resolve, reject });
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      this.#onTaken(await this.#driver.acknowledge(batch.map(({ id, seq }) => ({ id, seq }))));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
