// What the Kafka client's errors mean to us.

/** The broker knows this producer no more, or says that it counts otherwise: only a new one can go on. */
export class ProducerLostError extends Error {}

/** After these this producer's numbers and the broker's differ. */
const LOST = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "DUPLICATE_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_ID_MAPPING",
  "INVALID_PRODUCER_EPOCH",
]);

/** The error and what it was caused by, to the first cause. */
export function causesOf(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}
export const isLost = (error: unknown): boolean =>
  causesOf(error).some(cause => LOST.has(String((cause as { type?: unknown }).type)));

/** The broker has no such topic: it never had, or came back without its data. */
export const isTopicUnknown = (error: unknown): boolean =>
  causesOf(error).some(cause => (cause as { type?: unknown }).type === "UNKNOWN_TOPIC_OR_PARTITION");
