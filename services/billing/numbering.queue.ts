// Concurrent asks of one series in this process go together, one batch after another.
import type { Clock } from "../../core/kernel/clock.ts";

type Waiting = Map<string, PromiseWithResolvers<undefined>>;

/** `fly` gets at most `size` ids at a time; who asks for an id that waits already waits with it. */
export function batched(clock: Clock, size: number, fly: (series: string, ids: readonly string[]) => Promise<void>) {
  const waiting = new Map<string, Waiting>();
  const flying = new Set<string>();

  async function flyTogether(series: string, batch: Waiting): Promise<void> {
    try {
      await fly(series, [...batch.keys()]);
      for (const { resolve } of batch.values()) resolve(undefined);
    } catch (error) {
      for (const { reject } of batch.values()) reject(error);
    }
  }

  async function run(series: string, queue: Waiting): Promise<void> {
    while (queue.size > 0) {
      const batch = new Map([...queue].slice(0, size));
      for (const id of batch.keys()) queue.delete(id);
      await flyTogether(series, batch);
    }
    waiting.delete(series);
    flying.delete(series);
  }

  return async (series: string, id: string): Promise<void> => {
    const queue: Waiting = waiting.get(series) ?? new Map<string, PromiseWithResolvers<undefined>>();
    waiting.set(series, queue);
    const asked = queue.get(id) ?? Promise.withResolvers<undefined>();
    queue.set(id, asked);
    if (!flying.has(series)) {
      flying.add(series);
      clock.defer(() => void run(series, queue));
    }
    await asked.promise;
  };
}
