// How far each subscriber is behind the end of the log, as a metric.
import { lag } from "./bridge.metrics.ts";
import type { EventLog } from "./event-log.ts";

export async function measureLag(log: EventLog, subscribers: ReadonlyMap<string, readonly string[]>): Promise<void> {
  for (const [subscriber, types] of subscribers) {
    const feeds = await log.lag(subscriber, types);
    lag.set(
      { subscriber },
      feeds.reduce((sum, { committed, end }) => sum + Math.max(0, end - committed), 0),
    );
  }
}
