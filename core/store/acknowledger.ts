// Acknowledgements of one moment go to the driver in one call.
import type { Clock } from "../kernel/clock.ts";
import type { Acknowledgement, Driver } from "./driver.ts";

interface Waiting extends Acknowledgement {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createAcknowledger(driver: Driver, clock: Clock, onTaken: (events: number) => void) {
  let waiting: Waiting[] = [];

  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    try {
      onTaken(await driver.acknowledge(batch.map(({ id, seq }) => ({ id, seq }))));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (id: string, seq: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) clock.defer(() => void flush());
      waiting.push({ id, seq, resolve, reject });
    });
}
