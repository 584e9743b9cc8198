// A promise under a deadline: what a frozen server never answers must not be waited for.
import type { Clock } from "../../core/kernel/clock.ts";

export class DeadlineError extends Error {}

/** @throws DeadlineError when it has not settled by then; it goes on, and nobody listens */
export async function within<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  const over = clock.sleep(ms).then((): never => {
    throw new DeadlineError(`${what} took longer than ${String(ms)} ms`);
  });
  over.catch(() => undefined);
  return Promise.race([promise, over]);
}
