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

/** @throws what is not over soon at once, and what is not over after two seconds */
async function repeated<T>(
  ask: () => Promise<T>,
  isOver: (error: unknown) => boolean,
  before: () => Promise<unknown> = () => Promise.resolve(),
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isOver(error) || repeats === MOST_REPEATS) throw error;
      await delay(PAUSE_MS);
      await before();
    }
  }
}

export const settled = <T>(admin: Asked, topics: readonly string[], ask: () => Promise<T>): Promise<T> =>
  repeated(ask, isOverSoon, () => admin.fetchTopicMetadata({ topics: [...topics] }));

/** A broker may answer that it knows no such topic for a moment after another one, or itself, has made it. */
export async function untilKnown(admin: Asked, topics: readonly string[]): Promise<void> {
  const isOver = (error: unknown): boolean => isTopicUnknown(error) || isOverSoon(error);
  await repeated(() => admin.fetchTopicMetadata({ topics: [...topics] }), isOver);
}
