// Time comes in as an argument everywhere, so that the simulator can own it.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Runs `task` once what is ready now has run; what is deferred in one moment runs together. */
  defer(task: () => void): void;
}

/** A moment as RFC 3339 in UTC with milliseconds. */
export const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();
