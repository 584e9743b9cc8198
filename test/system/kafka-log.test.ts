// The event log's contract on a real Kafka, and what a client that knows nothing of the bridge finds there.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { ConfigResourceTypes, Kafka, logLevel, type Admin, type KafkaMessage } from "kafkajs";
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { KafkaLog } from "../../services/bridge/kafka-log.ts";
import { event, eventLogContract } from "../contract/event-log.contract.ts";
import { consume } from "../support/consumer.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { kafkaConfig, kafkaFor, openKafkaLog, type TestKafka } from "../support/kafka.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await kafkaFor(process.env);
});
afterAll(async () => {
  await kafka.stop();
});

const newNamespace = () => `test-${randomUUID().slice(0, 8)}`;

eventLogContract("Kafka", () => {
  const namespace = newNamespace();
  return { open: () => openKafkaLog(kafka.brokers, namespace), remove: () => undefined };
});

const letterOf = (sequence: number): DeadLetter => ({
  ...{ position: sequence, subscriber: "billing", subject: "order:a", event: event("a", sequence) },
  ...{ error: "cannot take this", attempts: 5, at: "2026-01-01T00:00:00.000Z" },
});

describe("What the event log has made in Kafka", () => {
  const { partitions, retentionMs } = kafkaConfig([]);
  let namespace: string;
  let log: KafkaLog;
  let said: string[];
  let client: Kafka;
  let admin: Admin;
  const deadLetters = () => `${namespace}.billing.dlq.v1`;

  beforeEach(async () => {
    namespace = newNamespace();
    said = [];
    log = await openKafkaLog(kafka.brokers, namespace, message => said.push(message));
    client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    admin = client.admin();
    await admin.connect();
  });
  afterEach(async () => {
    await admin.disconnect();
    await log.close();
  });

  /** Only what was set for the topic, not what the broker has for all. */
  async function settingsOf(topic: string): Promise<Record<string, string>> {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
    const described = await admin.describeConfigs({ resources, includeSynonyms: false });
    const entries = described.resources.flatMap(({ configEntries }) => configEntries);
    return Object.fromEntries(
      entries.filter(({ isDefault }) => !isDefault).map(({ configName, configValue }) => [configName, configValue]),
    );
  }
  async function partitionsOf(topic: string): Promise<number> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length ?? 0;
  }
  async function firstMessage(topic: string): Promise<KafkaMessage> {
    const consumer = client.consumer({ groupId: randomUUID() });
    const { promise, resolve } = Promise.withResolvers<KafkaMessage>();
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        resolve(message);
        return Promise.resolve();
      },
    });
    const message = await promise;
    await consumer.disconnect();
    return message;
  }

  it("is a topic per aggregate, with the partitions and the retention of the settings", async () => {
    for (const name of ["order", "product", "invoice"]) {
      const topic = `${namespace}.${name}.v1`;
      expect(await partitionsOf(topic)).toBe(partitions);
      const settings = { "cleanup.policy": "delete", "retention.ms": String(retentionMs) };
      expect(await settingsOf(topic)).toMatchObject({ ...settings, "message.timestamp.type": "LogAppendTime" });
    }
  });

  it("is a compacted topic of one partition for a subscriber's dead letters, whose error stands in the headers", async () => {
    await log.bury([letterOf(1)]);
    expect(await partitionsOf(deadLetters())).toBe(1);
    expect(await settingsOf(deadLetters())).toMatchObject({ "cleanup.policy": "compact" });
    const { key, headers = {} } = await firstMessage(deadLetters());
    expect(key?.toString()).toBe("order:a|order:a:1");
    const texts = Object.entries(headers).map(([name, value]) => [name, value?.toString()]);
    expect(Object.fromEntries(texts)).toEqual({
      ...{ error: "cannot take this", attempts: "5", "content-type": "application/json" },
      source: expect.stringMatching(new RegExp(`^${namespace}\\.order\\.v1/[0-2]/0$`)) as unknown,
    });
  });

  it("is delivered from its beginning to a group that has read more of it than there is", async () => {
    await log.append([1, 2, 3].map(sequence => event("a", sequence)));
    // As after a broker lost the end of its log, which it had not yet written to its disk.
    const beyond = Array.from({ length: partitions }, (_, partition) => ({ partition, offset: "100" }));
    await admin.setOffsets({ groupId: `${namespace}.billing`, topic: `${namespace}.order.v1`, partitions: beyond });
    const seen: string[] = [];
    const consumer = consume({
      ...{ log, group: "billing", types: ["order.placed.v1"], clock: createManualClock() },
      react({ events }) {
        seen.push(...events.map(({ id }) => id));
        return Promise.resolve({ outcomes: events.map(({ id }) => ({ id, outcome: "done" })) });
      },
      park: () => Promise.resolve({}),
    });
    const end = Date.now() + 30_000;
    while (seen.length < 3 && Date.now() < end) {
      await consumer.drain();
      await delay(50);
    }
    await consumer.stop();
    expect(seen).toEqual(["order:a:1", "order:a:2", "order:a:3"]);
  });

  it("is no group for a reading of dead letters: joining one takes seconds on an ordinary broker", async () => {
    await log.bury([letterOf(1), letterOf(2)]);
    expect(await log.deadLetters({ subscriber: "billing" })).toHaveLength(2);
    const { groups } = await admin.listGroups();
    expect(groups.map(({ groupId }) => groupId).filter(name => name.startsWith(namespace))).toEqual([]);
  });

  it("is read all the same when another program has written among the dead letters, which is said once", async () => {
    await log.bury([letterOf(1)]);
    const producer = client.producer();
    await producer.connect();
    await producer.send({ topic: deadLetters(), messages: [{ key: "x", value: "hello" }] });
    await producer.disconnect();
    await log.bury([letterOf(2)]);
    for (let reading = 0; reading < 3; reading += 1) {
      const letters = await log.deadLetters({ subscriber: "billing" });
      expect(letters.map(one => one.event.sequence)).toEqual([1, 2]);
    }
    const aboutIt = said.filter(message => message.includes("no dead letter"));
    expect(aboutIt).toEqual([`The message ${deadLetters()}/0/1 is no dead letter and is passed over`]);
  });
});
