// A consumer that is stopped is out of its group, whatever it was doing: a member that nobody knows would keep its partitions.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { Kafka, logLevel, type Admin } from "kafkajs";
import { createKafkaClient } from "../../core/kafka-client.ts";
import type { KafkaConsumer } from "../../core/kafka.ts";
import { freePort } from "../../scripts/support/free-port.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startKafka, startToxiproxy } from "../../scripts/support/servers.ts";
import type { Proxy, Toxiproxy } from "../../scripts/support/toxiproxy.ts";
import { kafkaConfig } from "../support/kafka.ts";
import { until } from "../support/until.ts";

/** The consumer has given up, begun anew and failed to find its group's coordinator several times: it asks again for seconds. */
const AWAY_MS = 8_000;
/** Longer than it asks, and than the group keeps one that said nothing. */
const AGAIN_MS = 14_000;

let toxiproxy: Toxiproxy;
let proxy: Proxy;
let broker: Server;
let admin: Admin;
beforeAll(async () => {
  toxiproxy = await startToxiproxy();
  const port = await freePort();
  proxy = await toxiproxy.proxy(`127.0.0.1:${String(port)}`);
  broker = await startKafka({ port, advertised: proxy.address });
  admin = new Kafka({ brokers: [proxy.address], logLevel: logLevel.NOTHING }).admin();
});
afterAll(async () => {
  await admin.disconnect().catch(() => undefined);
  await broker.stop();
  await toxiproxy.stop();
});

let topic: string;
let group: string;
let consumer: KafkaConsumer;
let joined: number;
beforeEach(async () => {
  topic = group = `test-${randomUUID()}`;
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  consumer = createKafkaClient(kafkaConfig([proxy.address]), "stopped", () => undefined).consumer(group);
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

const state = async (): Promise<string> => (await admin.describeGroups([group])).groups[0]?.state ?? "";

it("leaves when it is stopped", async () => {
  await start();
  await until(() => joined === 1);
  await consumer.stop();
  expect(await state()).toBe("Empty");
});

it("does not join after it was stopped while it connected", async () => {
  const starting = start();
  await consumer.stop();
  await starting;
  expect(await state()).toBe("Dead");
  expect(joined).toBe(0);
});

it("does not come back after it was stopped while its broker was away", async () => {
  await start();
  await until(() => joined === 1);
  await proxy.cut();
  await pause(AWAY_MS);
  await consumer.stop();
  await proxy.heal();
  await pause(AGAIN_MS);
  await admin.connect();
  expect(await state()).toBe("Empty");
});
