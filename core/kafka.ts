// What the bridge needs of a Kafka client; core/kafka-client.ts gives it.
export interface Outgoing {
  readonly key: string;
  /** Null takes the key out of a compacted topic. */
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Incoming {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface IncomingBatch {
  readonly topic: string;
  readonly partition: number;
  /** Which offset was asked for. */
  readonly asked: number;
  readonly last: number;
  readonly messages: readonly Incoming[];
}

export interface TopicSettings {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** The first offset that is kept, and the one that the next message gets. */
  readonly low: number;
  readonly high: number;
}

export interface KafkaProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have them. One call at a time per partition, or acknowledged messages are lost. */
  send(topic: string, partition: number, messages: readonly Outgoing[]): Promise<void>;
  disconnect(): Promise<void>;
}

export interface ConsumerEvents {
  /** A new generation of the group: exactly these partitions are this consumer's. */
  joined(partitions: ReadonlyMap<string, readonly number[]>): void;
  /** They may be another's by now. */
  revoked(): void;
  /** It ends by itself, for good. */
  crashed(error: Error): void;
  alive(): void;
  /** Whether it was taken; what was not is fetched again. */
  batch(batch: IncomingBatch): boolean;
}

export interface KafkaConsumer {
  start(topics: readonly string[], events: ConsumerEvents): Promise<void>;
  seek(topic: string, partition: number, offset: number): void;
  pause(topic: string, partition: number): void;
  resume(topic: string, partition: number): void;
  commit(topic: string, partition: number, offset: number): Promise<void>;
  stop(): Promise<void>;
}

/** Of no group: it has no positions, and nobody waits for it. One call at a time. */
export interface KafkaReader {
  /** From this offset on; after half a second at most, with nothing when there is nothing. */
  fetch(topic: string, partition: number, offset: number): Promise<IncomingBatch>;
  disconnect(): Promise<void>;
}

export interface KafkaAdmin {
  connect(): Promise<void>;
  /** Resolves when a broker has answered. */
  ping(): Promise<void>;
  topics(): Promise<readonly string[]>;
  create(topics: readonly TopicSettings[]): Promise<void>;
  partitionsOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  /** Per partition the first offset that was appended then or later. */
  offsetsAt(topic: string, time: number): Promise<ReadonlyMap<number, number>>;
  /** Per topic and partition; what the group never committed is left out. */
  committed(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>;
  disconnect(): Promise<void>;
}

/** What a backup asks beside it, and a restore does. */
export interface KafkaKeeper {
  /** The consumer groups whose names begin so, and how many consumers each has now. */
  groups(prefix: string): Promise<readonly { readonly name: string; readonly members: number }[]>;
  dropTopics(topics: readonly string[]): Promise<void>;
  dropGroups(groups: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaClient {
  admin(): KafkaAdmin;
  producer(): KafkaProducer;
  consumer(group: string): KafkaConsumer;
  reader(): KafkaReader;
}

export type Say = (message: string, data?: unknown) => void;
