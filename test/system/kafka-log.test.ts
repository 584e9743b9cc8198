// The event log's contract on a real Kafka.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "@jest/globals";
import { eventLogContract } from "../contract/event-log.contract.ts";
import { kafkaFor, openKafkaLog, type TestKafka } from "../support/kafka.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await kafkaFor(process.env);
});
afterAll(async () => {
  await kafka.stop();
});

eventLogContract("Kafka", () => {
  const namespace = `test-${randomUUID().slice(0, 8)}`;
  return { open: () => openKafkaLog(kafka.brokers, namespace), remove: () => undefined };
});
