// The Kafka client, which only core/kafka-*.ts know.
import { Kafka, logLevel, Partitioners, type Admin, type KafkaConfig as ClientConfig, type Producer } from "kafkajs";
import type { KafkaConfig } from "./config-cluster.ts";
import type { KafkaAdmin, KafkaClient, KafkaProducer, Say } from "./kafka.ts";
import { consumerOf } from "./kafka-consumer.ts";
import { causesOf, isLost, ProducerLostError } from "./kafka-errors.ts";
import { optionsOf, REQUEST_TIMEOUT_MS } from "./kafka-options.ts";
import "./kafka-queue.ts";
import { clusterOf, readerOf } from "./kafka-reader.ts";
import { settled, untilKnown } from "./kafka-settled.ts";

/** For the files beside this one. */
export function kafkaOf(config: KafkaConfig, clientId: string, say: Say, more: Partial<ClientConfig> = {}): Kafka {
  const logCreator: ClientConfig["logCreator"] =
    () =>
    ({ namespace, log: { message, error } }) => {
      say(`Kafka ${namespace}: ${message}`, error === undefined ? undefined : { error: String(error) });
    };
  const options = optionsOf(config, clientId) as ClientConfig;
  return new Kafka({ ...options, logLevel: logLevel.WARN, logCreator, ...more });
}

function producerOf(producer: Producer): KafkaProducer {
  return {
    connect: () => producer.connect(),
    async send(topic, partition, messages) {
      try {
        await producer.send({
          topic,
          acks: -1,
          timeout: REQUEST_TIMEOUT_MS,
          messages: messages.map(message => ({ ...message, partition })),
        });
      } catch (error) {
        if (isLost(error))
          throw new ProducerLostError("The broker does not know the producer any more", { cause: error });
        throw error;
      }
    },
    disconnect: () => producer.disconnect(),
  };
}

async function committedOf(
  admin: Admin,
  groupId: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  const found = await settled(admin, topics, () => admin.fetchOffsets({ groupId, topics: [...topics] }));
  const known = found.map(({ topic, partitions }) => {
    const offsets = partitions.map(({ partition, offset }) => [partition, Number(offset)] as const);
    return [topic, new Map(offsets.filter(([, offset]) => offset >= 0))] as const;
  });
  return new Map(known);
}

function adminOf(admin: Admin): KafkaAdmin {
  return {
    connect: () => admin.connect(),
    async ping() {
      await admin.describeCluster();
    },
    topics: () => admin.listTopics(),
    async create(topics) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: topics.map(({ topic, partitions, replication, settings }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor: replication,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      });
      await untilKnown(
        admin,
        topics.map(({ topic }) => topic),
      );
    },
    async partitionsOf(names) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
      return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
    },
    async offsets(topic) {
      const found = await settled(admin, [topic], () => admin.fetchTopicOffsets(topic));
      return found.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
    },
    async offsetsAt(topic, time) {
      const found = await settled(admin, [topic], () => admin.fetchTopicOffsetsByTimestamp(topic, time));
      return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
    },
    committed: (group, topics) => committedOf(admin, group, topics),
    disconnect: () => admin.disconnect(),
  };
}

export function createKafkaClient(config: KafkaConfig, clientId: string, say: Say): KafkaClient {
  const { brokers } = config;
  let made = 0;
  /** Each begins with another broker: the client stays with the first that takes its connection, also if that says nothing then. */
  const next = (): Kafka => {
    const first = made++ % brokers.length;
    return kafkaOf({ ...config, brokers: [...brokers.slice(first), ...brokers.slice(0, first)] }, clientId, say);
  };
  return {
    admin: () => adminOf(next().admin()),
    producer: () =>
      producerOf(
        next().producer({
          idempotent: true,
          maxInFlightRequests: 1,
          allowAutoTopicCreation: false,
          createPartitioner: Partitioners.DefaultPartitioner,
        }),
      ),
    consumer: groupId =>
      consumerOf(retry =>
        next().consumer({
          ...{ groupId, retry },
          sessionTimeout: 10_000,
          rebalanceTimeout: 15_000,
          heartbeatInterval: 1_000,
          maxWaitTimeInMs: 500,
          allowAutoTopicCreation: false,
        }),
      ),
    reader: () => readerOf(clusterOf(next())),
  };
}

const partitioner = Partitioners.DefaultPartitioner();

/** Which partition a key belongs to, as every client with Kafka's default partitioner (murmur2) sees it. */
export function partitionOf(key: string, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    ...{ partitionId, partitionErrorCode: 0, leader: 0 },
    ...{ replicas: [], isr: [] },
  }));
  return partitioner({ topic: "", partitionMetadata, message: { key, value: null } });
}

/** One attempt to reach Kafka, at each broker that is named in turn. @throws Error whose message says in one line why it is not to be had */
export async function checkKafka(config: KafkaConfig): Promise<void> {
  const retry = { retries: config.brokers.length - 1, initialRetryTime: 50, maxRetryTime: 200 };
  const admin = kafkaOf(config, "comptoir-check", () => undefined, { retry }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } catch (error) {
    const [reason] = causesOf(error).slice(-1);
    throw new Error(reason instanceof Error ? reason.message : String(error), { cause: error });
  } finally {
    admin.disconnect().catch(() => undefined);
  }
}
