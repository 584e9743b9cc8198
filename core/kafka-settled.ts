// What Kafka cannot answer yet of a new topic or group is asked again. By hand: p-retry gives up at every TypeError.
import { setTimeout as delay } from "node:timers/promises";
import { isTopicUnknown } from "./kafka-errors.ts";

const PAUSE_MS = 100;
/** Two seconds. */
const MOST_REPEATS = 20;

interface Asked {
  /** Makes the client look anew who leads these topics. */
  fetchTopicMetadata(options: { topics: string[] }): Promise<unknown>;
}

/**
 * A new topic has no leader yet, or a new group no coordinator that is done loading. While the client itself knows of no leader it
 * reads past the end of a list: a TypeError.
 */
function isOverSoon(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  if (!(error instanceof Error) || error.name !== "KafkaJSProtocolError" || isTopicUnknown(error)) return false;
  return (error as { retriable?: unknown }).retriable === true;
}

/** @throws anything else at once, and what is not over after two seconds */
export async function settled<T>(admin: Asked, topics: readonly string[], ask: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isOverSoon(error) || repeats === MOST_REPEATS) throw error;
      await delay(PAUSE_MS);
      await admin.fetchTopicMetadata({ topics: [...topics] });
    }
  }
}

/** A broker may answer that it knows no such topic for a moment after another one, or itself, has made it. */
export async function untilKnown(admin: Asked, topics: readonly string[]): Promise<void> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      await admin.fetchTopicMetadata({ topics: [...topics] });
      return;
    } catch (error) {
      if (!(isTopicUnknown(error) || isOverSoon(error)) || repeats === MOST_REPEATS) throw error;
      await delay(PAUSE_MS);
    }
  }
}
