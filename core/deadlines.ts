// How long things may take, in milliseconds: numbers that only make sense next to each other.
import type { Config } from "./config.ts";

/** What a client's request may take at the gateway: above the longest `Prefer: wait` (10 s). */
export const PATIENCE_MS = 15_000;
/** What accepted work and a service's own rounds may take: longer than any client waits. */
export const OWN_BUDGET_MS = 30_000;

export interface StopTimes {
  /** Between telling the other nodes and taking no more calls: for those that are on their way already. */
  readonly announceMs: number;
  /** For the calls that run then. */
  readonly handlersMs: number;
  /** After it the process ends, whatever still runs. Everything above, and a second for the last events. */
  readonly deadlineMs: number;
}

const stopTimes: Readonly<Record<Config["mode"], StopTimes>> = {
  // Below the 5 s that an operator waits for Ctrl-C: what is cut off goes on after the restart.
  embedded: { announceMs: 0, handlersMs: 3_000, deadlineMs: 4_500 },
  // The longest handler waits for 10 s (`Prefer: wait=10`). An orchestrator's grace must be longer than the deadline.
  cluster: { announceMs: 800, handlersMs: 10_500, deadlineMs: 15_000 },
};

export const stopTimesOf = ({ mode }: Pick<Config, "mode">): StopTimes => stopTimes[mode];
