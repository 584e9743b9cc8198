// Chance comes in as an argument, so that a seed reproduces a run.

export interface Random {
  /** An id that never repeats. */
  id(): string;
  /** At least 0, below 1. */
  fraction(): number;
}

/** Exponential back-off with full jitter, in milliseconds, for the attempt numbered from 1. Source: Brooker, "Exponential Backoff And Jitter" (AWS, 2015). */
export function backoff(attempt: number, random: Random, limits: { base: number; cap: number }): number {
  const ceiling = Math.min(limits.cap, limits.base * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(ceiling * random.fraction());
}
