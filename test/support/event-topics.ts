// What Kafka holds of a cluster's events, read by a consumer that has nothing of the shop's, and what must be there.
import { randomUUID } from "node:crypto";
import { Kafka, logLevel, type Admin } from "kafkajs";
import { MongoClient } from "mongodb";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { ServerAddresses } from "../../scripts/support/servers.ts";
import type { Client } from "./client.ts";

export interface ReadEvent {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly event: CloudEvent;
}

const aggregateOf = ({ event }: ReadEvent): string => `${event.source.replace(/^.*\//, "")}:${event.subject}`;

export interface LogFindings {
  /** Without repeats. */
  readonly events: number;
  readonly aggregates: number;
  readonly repeats: number;
  /** "order:17 3": made, but not in the log. */
  readonly missing: readonly string[];
  /** "order:17 3": came for the first time before its predecessor had. */
  readonly inversions: readonly string[];
  /** In another partition than the rest of its aggregate, or with another key. */
  readonly astray: readonly string[];
}

/**
 * @param read the events of each partition in the order of their offsets.
 * @param made how many events each aggregate has made, by "order:17".
 */
export function findingsOf(read: readonly ReadEvent[], made: ReadonlyMap<string, number>): LogFindings {
  const byAggregate = Map.groupBy(read, aggregateOf);
  const found = { missing: new Array<string>(), inversions: new Array<string>(), astray: new Array<string>() };
  let events = 0;
  for (const aggregate of new Set([...made.keys(), ...byAggregate.keys()])) {
    const all = byAggregate.get(aggregate) ?? [];
    const first = new Set(all.map(({ event }) => event.sequence));
    events += first.size;
    let last = 0;
    for (const sequence of first) {
      if (sequence < last) found.inversions.push(`${aggregate} ${String(sequence)}`);
      last = Math.max(last, sequence);
    }
    const end = Math.max(last, made.get(aggregate) ?? 0);
    for (let sequence = 1; sequence <= end; sequence += 1)
      if (!first.has(sequence)) found.missing.push(`${aggregate} ${String(sequence)}`);
    if (all.some(each => !isBeside(each, all[0]))) found.astray.push(aggregate);
  }
  return { events, aggregates: byAggregate.size, repeats: read.length - events, ...found };
}

const isBeside = (one: ReadEvent, other: ReadEvent | undefined): boolean =>
  one.topic === other?.topic && one.partition === other.partition && one.key === one.event.subject;

/** Every event of the namespace's topics, up to where they end now. */
export async function readTopics(brokers: string, namespace: string): Promise<ReadEvent[]> {
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter(
    topic => topic.startsWith(`${namespace}.`) && topic.endsWith(".v1") && !topic.endsWith(".dlq.v1"),
  );
  const ends = await endsOf(admin, topics);
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}` });
  const read: ReadEvent[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (ends.size === 0) return read;
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const { key, value, offset } of batch.messages) {
        const event = JSON.parse(String(value)) as CloudEvent;
        read.push({ topic: batch.topic, partition: batch.partition, key: String(key), event });
        const place = `${batch.topic} ${String(batch.partition)}`;
        if (BigInt(offset) + 1n >= (ends.get(place) ?? 0n)) ends.delete(place);
      }
      if (ends.size === 0) resolve(undefined);
      return Promise.resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return read;
}

/** Of the partitions that are not empty. */
async function endsOf(admin: Admin, topics: readonly string[]): Promise<Map<string, bigint>> {
  const ends = new Map<string, bigint>();
  for (const topic of topics)
    for (const { partition, high } of await admin.fetchTopicOffsets(topic))
      if (BigInt(high) > 0n) ends.set(`${topic} ${String(partition)}`, BigInt(high));
  return ends;
}

/** Where the services keep what makes events: database, collection, aggregate. */
const sources = [
  ["account", "accounts", "account"],
  ["audit", "findings", "audit"],
  ["billing", "invoices", "invoice"],
  ["billing", "payments", "payment"],
  ["customer", "customers", "customer"],
  ["inventory", "stock_items", "stock"],
  ["order", "orders", "order"],
  ["product", "products", "product"],
] as const;

/** How many events each aggregate says that it has made. */
export async function eventsMade(mongo: string, namespace: string): Promise<Map<string, number>> {
  const client = await MongoClient.connect(mongo);
  const made = new Map<string, number>();
  try {
    for (const [service, collection, aggregate] of sources) {
      const documents = client.db(`${namespace}_${service}`).collection<{ _id: string; seq: number }>(collection);
      for await (const { _id, seq } of documents.find({}, { projection: { seq: 1 } }))
        if (seq > 0) made.set(`${aggregate}:${_id}`, seq);
    }
    return made;
  } finally {
    await client.close();
  }
}

/** Once every event that the documents say they have made is in Kafka; what else is wrong there. @see Client.until */
export function everyEvent(
  api: Client,
  servers: Pick<ServerAddresses, "mongo" | "kafka">,
  namespace: string,
): Promise<LogFindings> {
  return api.until(
    async () => {
      const made = await eventsMade(servers.mongo, namespace);
      return findingsOf(await readTopics(servers.kafka, namespace), made);
    },
    ({ missing }) => missing.length === 0,
  );
}
