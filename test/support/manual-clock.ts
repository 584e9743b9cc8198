// Time that moves when the test says so. What is ready runs in a fixed order: nothing here depends on the real time.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";

export interface ManualClock extends Clock {
  /** Moves time on, waking each sleeper at its moment and letting what that makes ready run. */
  advance(ms: number): Promise<void>;
  /** Moves time on from sleeper to sleeper until the promise settles. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** Turns of the event loop after which everything that does no I/O has run. */
const TURNS = 20;

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise(resolve => setImmediate(resolve));
}

export function createManualClock(start = Date.parse("2026-01-01T00:00:00.000Z")): ManualClock {
  let now = start;
  let order = 0;
  let sleepers: { readonly at: number; readonly order: number; readonly wake: () => void }[] = [];

  const next = () => sleepers.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];

  async function wake(sleeper: ReturnType<typeof next>): Promise<void> {
    if (sleeper === undefined) return;
    sleepers = sleepers.filter(other => other !== sleeper);
    now = Math.max(now, sleeper.at);
    sleeper.wake();
    await turns();
  }

  return {
    now: () => now,
    sleep: ms =>
      new Promise(resolve => {
        sleepers.push({ at: now + Math.max(0, ms), order: (order += 1), wake: resolve });
      }),
    defer: task => void setImmediate(task),
    async advance(ms) {
      const end = now + ms;
      await turns();
      for (let sleeper = next(); sleeper !== undefined && sleeper.at <= end; sleeper = next()) await wake(sleeper);
      now = end;
      await turns();
    },
    async until(promise) {
      const state = { settled: false };
      const mark = () => {
        state.settled = true;
      };
      promise.then(mark, mark);
      await turns();
      while (!state.settled) await wake(next()).then(turns);
      return promise;
    },
  };
}

/** Ids count up and fractions follow from the seed, so that a run repeats. */
export function createManualRandom(seed = 1): Random {
  let [count, state] = [0, seed >>> 0];
  return {
    id: () => `id-${String(seed)}-${String((count += 1))}`,
    // Source: mulberry32, Tommy Ettinger (2017), public domain.
    fraction: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
