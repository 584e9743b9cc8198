// Background work of a service: one bounded round after the other until it is stopped.
import type { Clock } from "./kernel/clock.ts";
import type { Random } from "./kernel/random.ts";

export interface Loop {
  /** `round` runs at once and then `everyMs` after each end. What it throws goes to `onError`, and the loop goes on. */
  start(round: () => Promise<unknown>, onError: (error: unknown) => void): void;
  /** There is work: the next round begins without waiting. */
  kick(): void;
  /** Resolves when the round that is running has ended. */
  stop(): Promise<void>;
}

/** @param random moves each wait by up to a quarter: replicas that start together shall not ask the database together. */
export function createLoop(clock: Clock, everyMs: number, random?: Random): Loop {
  const pause = (): number => everyMs * (random === undefined ? 1 : 0.75 + random.fraction() / 2);
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let kicks = 0;
  let wake = (): void => undefined;

  function kick(): void {
    kicks += 1;
    wake();
  }

  async function run(round: () => Promise<unknown>, onError: (error: unknown) => void): Promise<void> {
    while (!stopped) {
      const before = kicks;
      await round().catch(onError);
      if (kicks !== before) continue;
      await new Promise<void>(resolve => {
        wake = resolve;
        void clock.sleep(pause()).then(resolve);
      });
    }
  }
  return {
    start(round, onError) {
      running = run(round, onError);
    },
    kick,
    async stop() {
      stopped = true;
      kick();
      await running;
    },
  };
}
