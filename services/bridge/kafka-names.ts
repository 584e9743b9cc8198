// What topics and groups are called, and which events go where.
import { events } from "../../core/contracts/index.ts";

/** Events that say something about another aggregate than their name begins with: a credit note is kept as an invoice. */
const aggregates: Readonly<Record<string, string>> = { creditnote: "invoice" };

/** By type, not by source: what is written and what is subscribed must meet in the same topic, whatever happens. */
function aggregateOfType(type: string): string {
  const [prefix = ""] = type.split(".");
  return aggregates[prefix] ?? prefix;
}

export interface Names {
  /** Of all event types that there are. */
  readonly topics: readonly string[];
  topicOf(type: string): string;
  topicsOf(types: readonly string[]): string[];
  deadLettersOf(subscriber: string): string;
  /** The subscriber whose dead letters the topic holds; null for any other topic. */
  subscriberOf(topic: string): string | null;
  groupOf(subscriber: string): string;
}

export function namesIn(namespace: string): Names {
  const topicOf = (type: string): string => `${namespace}.${aggregateOfType(type)}.v1`;
  const topicsOf = (types: readonly string[]): string[] => [...new Set(types.map(topicOf))].toSorted();
  const [before, after] = [`${namespace}.`, ".dlq.v1"];
  return {
    topics: topicsOf(Object.keys(events)),
    topicOf,
    topicsOf,
    deadLettersOf: subscriber => `${before}${subscriber}${after}`,
    subscriberOf: topic =>
      topic.startsWith(before) && topic.endsWith(after) ? topic.slice(before.length, -after.length) : null,
    groupOf: subscriber => `${namespace}.${subscriber}`,
  };
}
