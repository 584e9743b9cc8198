// How far each subscriber is behind the end of the log, and how many dead letters wait, as metrics.
import { allDeadLetters } from "./all-dead-letters.ts";
import { lag, waitingLetters } from "./bridge.metrics.ts";
import type { EventLog } from "./event-log.ts";

type Subscribers = ReadonlyMap<string, readonly string[]>;

export async function measureLag(log: EventLog, subscribers: Subscribers): Promise<void> {
  for (const [subscriber, types] of subscribers) {
    const feeds = await log.lag(subscriber, types);
    const behind = feeds.reduce((sum, { committed, end }) => sum + Math.max(0, end - committed), 0);
    lag.labels({ subscriber }).set(behind);
  }
}

/** Reads them: there are few, and Kafka cannot count the keys of a compacted topic. */
export async function countDeadLetters(log: EventLog, subscribers: Subscribers): Promise<void> {
  for (const subscriber of subscribers.keys()) {
    const { length } = await allDeadLetters(log, subscriber);
    waitingLetters.labels({ subscriber }).set(length);
  }
}
