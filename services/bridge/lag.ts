// How far each subscriber is behind the end of the log, and how many dead letters wait, as metrics.
import { lag, waitingLetters } from "./bridge.metrics.ts";
import type { EventLog } from "./event-log.ts";

type Subscribers = ReadonlyMap<string, readonly string[]>;
type Measure = (subscriber: string, types: readonly string[]) => Promise<number>;

/** What cannot be measured is not shown: its last value would look like a new one. @throws the first failure, after all were tried */
async function show(
  gauge: typeof lag | typeof waitingLetters,
  subscribers: Subscribers,
  measure: Measure,
): Promise<void> {
  const measured = [...subscribers].map(async ([subscriber, types]) => {
    try {
      gauge.labels({ subscriber }).set(await measure(subscriber, types));
    } catch (error) {
      gauge.remove({ subscriber });
      throw error;
    }
  });
  await Promise.allSettled(measured);
  await Promise.all(measured);
}

export const measureLag = (log: EventLog, subscribers: Subscribers): Promise<void> =>
  show(lag, subscribers, async (subscriber, types) => {
    const feeds = await log.lag(subscriber, types);
    return feeds.reduce((sum, { committed, end }) => sum + Math.max(0, end - committed), 0);
  });

/** Reads them: there are few, and Kafka cannot count the keys of a compacted topic. */
export const countDeadLetters = (log: EventLog, subscribers: Subscribers): Promise<void> =>
  show(waitingLetters, subscribers, async subscriber => (await log.deadLetters({ subscriber })).length);
