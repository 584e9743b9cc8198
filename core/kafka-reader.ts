// Reads partitions from offsets on without a consumer group: a group waits for its members before it gives anybody anything, 3 s at
// Kafka's own `group.initial.rebalance.delay.ms`. The client (2.2.4) can do so, and shows it only to its own consumers.
import { createRequire } from "node:module";
import type { Incoming, IncomingBatch, KafkaReader } from "./kafka.ts";

const MAX_WAIT_MS = 500;
/** A message that is larger is given all the same, alone. */
const MOST_BYTES = 1024 * 1024;
const METADATA_MAX_AGE_MS = 300_000;

interface ClientMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, unknown>>;
}
export interface ClientBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: readonly ClientMessage[];
  lastOffset(): string;
}
/** Its messages before those that are the broker's own are taken out. */
interface FetchedBatch extends ClientBatch {
  isEmptyIncludingFiltered(): boolean;
}

interface Broker {
  fetch(request: object): Promise<{ readonly responses: readonly { readonly partitions: readonly object[] }[] }>;
}
interface Cluster {
  connect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(options: { nodeId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly object[],
  ): Promise<readonly { readonly partitions: readonly { readonly offset: string }[] }[]>;
  disconnect(): Promise<void>;
}

/** Of the client's own, which it does not export by name. */
const Batch = createRequire(import.meta.url)("kafkajs/src/consumer/batch.js") as new (
  topic: string,
  fetchedOffset: string,
  fetched: object,
) => FetchedBatch;

/** @throws TypeError when the client is another one than this was written for */
export function clusterOf(kafka: object): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  if (symbol === undefined) throw new TypeError("This Kafka client makes its clusters elsewhere");
  const create = Reflect.get(kafka, symbol) as (options: object) => Cluster;
  return create({ metadataMaxAge: METADATA_MAX_AGE_MS, allowAutoTopicCreation: false });
}

const textOf = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString() : typeof value === "string" ? value : "";

export const messagesOf = ({ messages }: ClientBatch): Incoming[] =>
  messages.map(({ offset, key, value, headers = {} }) => ({
    offset: Number(offset),
    key: textOf(key),
    value: value === null ? null : value.toString(),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, textOf(text)])),
  }));

/** The last offset that is dealt with; the one before what was asked for when there is nothing yet. */
function lastOf(batch: FetchedBatch, asked: number): number {
  if (!batch.isEmptyIncludingFiltered()) return Number(batch.lastOffset());
  // Compaction has left an empty place: the client would go on at the end. What follows is asked for step by step.
  return Number(batch.highWatermark) > asked ? asked : asked - 1;
}

const isOutOfRange = (error: unknown): boolean => (error as { type?: unknown }).type === "OFFSET_OUT_OF_RANGE";

class PartitionReader implements KafkaReader {
  readonly #cluster: Cluster;
  #isClosed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async fetch(topic: string, partition: number, offset: number): Promise<IncomingBatch> {
    try {
      await this.#cluster.connect();
      await this.#cluster.addTargetTopic(topic);
      return await this.#fetchKept(topic, partition, offset);
    } finally {
      // Nobody waited for it any more, and it has connected anew.
      if (this.#isClosed) await this.#cluster.disconnect();
    }
  }

  disconnect(): Promise<void> {
    this.#isClosed = true;
    return this.#cluster.disconnect();
  }

  async #fetchKept(topic: string, partition: number, offset: number): Promise<IncomingBatch> {
    try {
      return await this.#fetchFrom(topic, partition, offset);
    } catch (error) {
      const first = isOutOfRange(error) ? await this.#firstOf(topic, partition) : -1;
      // What is kept no longer is passed over.
      if (first > offset) return { topic, partition, asked: offset, last: first - 1, messages: [] };
      // Another broker may lead it by now.
      await this.#cluster.refreshMetadata().catch(() => undefined);
      throw error;
    }
  }

  async #fetchFrom(topic: string, partition: number, offset: number): Promise<IncomingBatch> {
    const [leader] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]));
    if (leader === undefined) throw new Error(`${topic}/${String(partition)} has no leader`);
    const broker = await this.#cluster.findBroker({ nodeId: leader });
    const from = { partition, fetchOffset: String(offset), maxBytes: MOST_BYTES };
    const { responses } = await broker.fetch({
      ...{ maxWaitTime: MAX_WAIT_MS, minBytes: 1, maxBytes: MOST_BYTES },
      topics: [{ topic, partitions: [from] }],
    });
    const [fetched] = responses.flatMap(({ partitions }) => partitions);
    // A broker that throttles its readers answers so.
    if (fetched === undefined) return { topic, partition, asked: offset, last: offset - 1, messages: [] };
    const batch = new Batch(topic, String(offset), fetched);
    return { topic, partition, asked: offset, last: lastOf(batch, offset), messages: messagesOf(batch) };
  }

  async #firstOf(topic: string, partition: number): Promise<number> {
    const asked = { topic, partitions: [{ partition }], fromBeginning: true };
    const [found] = await this.#cluster.fetchTopicsOffset([asked]);
    return Number(found?.partitions[0]?.offset);
  }
}

export const readerOf = (cluster: Cluster): KafkaReader => new PartitionReader(cluster);
