// A consumer that is stopped is out of its group, whatever it was doing: a member that nobody knows would keep its partitions.
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { Kafka, logLevel, type Admin, type Consumer } from "kafkajs";
import { createKafkaClient } from "../../core/kafka-client.ts";
import type { KafkaConsumer } from "../../core/kafka.ts";
import { kafkaConfig, kafkaFor, type TestKafka } from "../support/kafka.ts";
import { until } from "../support/until.ts";

let kafka: TestKafka;
let client: Kafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await kafkaFor(process.env);
  client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  admin = client.admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await kafka.stop();
});

let topic: string;
let group: string;
let consumer: KafkaConsumer;
let joined: number;
beforeEach(async () => {
  topic = group = `test-${randomUUID()}`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  consumer = createKafkaClient(kafkaConfig(kafka.brokers), "stopped", () => undefined).consumer(group);
  joined = 0;
});

const nothing = (): void => undefined;
const start = (): Promise<void> =>
  consumer.start([topic], {
    joined: () => {
      joined += 1;
    },
    ...{ revoked: nothing, crashed: nothing, alive: nothing, batch: () => true },
  });

const stateIs = async (wanted: string): Promise<boolean> => {
  const [described] = (await admin.describeGroups([group])).groups;
  return described?.state === wanted;
};

let mute: { consumer: Consumer; release: () => void } | null = null;
afterEach(async () => {
  mute?.release();
  await mute?.consumer.disconnect();
  mute = null;
});

/** A member that says nothing any more: whoever joins waits until its session is over. */
async function addMuteMember(): Promise<void> {
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
  const { promise: isMute, resolve } = Promise.withResolvers<undefined>();
  const member = client.consumer({ groupId: group, sessionTimeout: 6_000 });
  mute = {
    consumer: member,
    release: () => {
      release(undefined);
    },
  };
  const producer = client.producer();
  await Promise.all([member.connect(), producer.connect()]);
  await member.subscribe({ topics: [topic], fromBeginning: true });
  await member.run({
    eachBatch: () => {
      resolve(undefined);
      return released;
    },
  });
  await producer.send({ topic, messages: [{ value: "x" }] });
  await producer.disconnect();
  await isMute;
}

it("leaves when it is stopped", async () => {
  await start();
  await until(() => joined === 1);
  await consumer.stop();
  expect(await stateIs("Empty")).toBe(true);
});

it("does not join after it was stopped while it waited for the others", async () => {
  await addMuteMember();
  const starting = start();
  await until(() => stateIs("PreparingRebalance"));
  await consumer.stop();
  await starting;
  await until(() => stateIs("Empty"));
  expect(joined).toBe(0);
});

it("does not join after it was stopped while it connected", async () => {
  const starting = start();
  await consumer.stop();
  await starting;
  await expect(admin.describeGroups([group])).resolves.toMatchObject({ groups: [{ state: "Dead" }] });
  expect(joined).toBe(0);
});
