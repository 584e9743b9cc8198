// Which broker a client asks first: one that takes connections and says nothing must not keep every new client.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
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

it("is another one for each client", async () => {
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
