// What clients of Kafka are made with: what is lost or repeated without it, real brokers show only now and then. And which
// broker each asks first: one that takes connections and says nothing must not keep every new client.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { Kafka } from "kafkajs";
import { createKafkaClient } from "../../core/kafka-client.ts";
import { kafkaConfig } from "../support/kafka.ts";
import { until } from "../support/until.ts";

let servers: Server[];
let asked: number[];

beforeEach(async () => {
  asked = [];
  servers = [0, 1].map(index =>
    createServer(socket => {
      asked.push(index);
      socket.on("error", () => undefined);
      // An answer that no client can read: it ends at once.
      socket.once("data", () => socket.destroy());
    }),
  );
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
});
afterEach(() => {
  for (const server of servers) server.close();
});

describe("A client is made with what keeps events", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const client = () => createKafkaClient(kafkaConfig(["127.0.0.1:1"]), "test", () => undefined);

  it("a producer sends in order, without doubles, and waits for every replica", async () => {
    const made = jest.spyOn(Kafka.prototype, "producer");
    const producer = client().producer();
    expect(made.mock.calls).toMatchObject([
      [{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false }],
    ]);
    const inner = made.mock.results[0]?.value as ReturnType<Kafka["producer"]>;
    const send = jest.spyOn(inner, "send").mockResolvedValue([]);
    await producer.send("topic", 2, [{ key: "a", value: "1", headers: {} }]);
    expect(send.mock.calls).toMatchObject([[{ topic: "topic", acks: -1, messages: [{ key: "a", partition: 2 }] }]]);
  });

  it("a consumer that died is noticed in 10 s, and makes no topics", () => {
    const made = jest.spyOn(Kafka.prototype, "consumer");
    client().consumer("group");
    expect(made.mock.calls).toMatchObject([
      [{ groupId: "group", sessionTimeout: 10_000, heartbeatInterval: 1_000, allowAutoTopicCreation: false }],
    ]);
  });
});

it("asks another broker first than the one before it", async () => {
  const brokers = servers.map(server => `127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  const client = createKafkaClient(kafkaConfig(brokers), "test", () => undefined);
  for (const _ of brokers) {
    const before = asked.length;
    const admin = client.admin();
    admin.connect().catch(() => undefined);
    await until(() => asked.length > before);
    await admin.disconnect();
  }
  expect([asked[0], asked.at(-1)]).toEqual([0, 1]);
});
