// How fast a walk goes: spread over the interval, and never more than a small share of the time.
import type { Clock } from "../../core/kernel/clock.ts";

/** After each page this many times as long as it took: 1/6 of a quiet node's time at most, 1/60 of a busy one's. */
const QUIET = 5;
const BUSY = 60;
const LONGEST_MS = 5_000;
/** So long a page may wait for no other reason than that there are few. */
const SPREAD_MS = 100;

export interface Pace {
  /** A walk begins. */
  start(): void;
  /** A page is done: resolves when the next one may begin. */
  page(): Promise<void>;
  /** The walk is done: so many ms until the next. */
  rest(): number;
}

/** @param isBusy whether the node has better things to do just now */
export function createPace(clock: Clock, intervalMs: number, isBusy: () => boolean): Pace {
  let pages = 0;
  let expected = 1;
  let startedAt = 0;
  let pageAt = 0;
  return {
    start() {
      expected = Math.max(1, pages);
      pages = 0;
      startedAt = pageAt = clock.now();
    },
    async page() {
      pages += 1;
      const took = clock.now() - pageAt;
      const polite = took * (isBusy() ? BUSY : QUIET);
      const spread = Math.min(SPREAD_MS, intervalMs / (expected + 1)) - took;
      await clock.sleep(Math.min(LONGEST_MS, Math.max(polite, spread, 0)));
      pageAt = clock.now();
    },
    rest: () => Math.max(intervalMs / 10, intervalMs - (clock.now() - startedAt)),
  };
}
