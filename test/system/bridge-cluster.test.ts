// Two bridges beside one node of everything else: dead letters are delivered again by whoever has their partition, and one
// bridge goes on alone. A subscriber that is away is seen to fall behind.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout as delay } from "node:timers/promises";
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import { knownServices } from "../../core/node.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import type { KafkaLog } from "../../services/bridge/kafka-log.ts";
import { eventOf } from "../support/events.ts";
import { runEvents } from "../support/events-tool.ts";
import { openKafkaLog } from "../support/kafka.ts";
import { seriesIn, valueOf } from "../support/scrape.ts";

let servers: Servers;
let cluster: Cluster;
let log: KafkaLog;
let token: string;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  servers = await requireServers(process.env);
  ends.unshift(() => servers.stop());
  const others = knownServices().filter(name => !["bridge", "inventory"].includes(name));
  const nodes = [{ services: others }, { services: ["inventory"] }, { services: ["bridge"], count: 2 }];
  cluster = await startCluster({ servers, nodes });
  ends.unshift(() => cluster.kill());
  log = await openKafkaLog(servers.kafka.split(","), cluster.namespace);
  ends.unshift(() => log.close());
  token = await cluster.adminToken();
}, 300_000);
afterAll(async () => {
  for (const end of ends) await end();
});

async function ask<T>(path: string, body?: object): Promise<T> {
  const [url = ""] = cluster.gateways();
  const answer = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
  return (await answer.json()) as T;
}
async function until(isDone: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isDone())) {
    if (Date.now() > end) throw new Error(`Not within 60 s: ${what}`);
    await delay(200);
  }
}
const lagOf = async (subscriber: string): Promise<number> => {
  const { items } = await ask<{ items: { subscriber: string; behind: number }[] }>("/v1/events/lag");
  return items.filter(item => item.subscriber === subscriber).reduce((sum, { behind }) => sum + behind, 0);
};
/** Once so many products were made since the start, and are with inventory. */
async function areDelivered(products: number): Promise<boolean> {
  const topic = (await log.topics()).find(({ name }) => name === `${cluster.namespace}.product.v1`);
  return topic?.events === products && (await lagOf("inventory")) === 0;
}
/** How many of inventory's partitions each bridge has. */
const shares = (): Promise<number[]> =>
  Promise.all(
    cluster.with("bridge").map(async ({ opsUrl, isRunning }) => {
      if (!isRunning) return 0;
      const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
      return Number(/comptoir_event_feeds\{subscriber="inventory"\} (\d+)/.exec(metrics)?.[1] ?? 0);
    }),
  );
/** What the bridges that run show as inventory's lag; null when none shows any. */
async function shownLag(): Promise<number | null> {
  const bridges = cluster.with("bridge").filter(({ isRunning }) => isRunning);
  const shown = await Promise.all(
    bridges.map(async ({ opsUrl }) => {
      const series = seriesIn(await (await fetch(`${opsUrl}/metrics`)).text());
      return valueOf(series, "comptoir_events_lag", { subscriber: "inventory" });
    }),
  );
  const known = shown.filter(value => value !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}
const letterOf = (sku: string, sequence: number, data: object): DeadLetter => {
  const event = eventOf("product.created.v1", sku, sequence, data as never);
  const why = { error: "planted", attempts: 5, at: event.time };
  return { position: 1, subscriber: "inventory", subject: `product:${sku}`, event, ...why };
};
/** As a client asks for one. */
const wish = (sku: string) => ({ sku, name: sku, price: { amount: 1, currency: "GBP" } });
const product = (sku: string) => ({
  ...{ sku, name: sku, taxRate: 0, status: "ACTIVE" },
  price: { amount: 1, currency: "GBP" },
});
const events = (...args: string[]) => runEvents(cluster.gateways()[0] ?? "", ...args);
const replay = () => ask<{ replayed: number; left: number }>("/v1/events/replays", { subscriber: "inventory" });

describe("Two bridges", () => {
  it("share a subscriber's partitions", async () => {
    await until(async () => (await shares()).every(count => count > 0), "both have partitions");
    const topics = (await log.topics()).filter(({ events }) => events >= 0);
    expect(topics.length).toBeGreaterThan(5);
  });

  it("deliver dead letters again wherever their partition is, in order, and leave what still fails", async () => {
    const skus = Array.from({ length: 12 }, (_, index) => `DEAD${String(index)}`);
    await log.bury(skus.flatMap(sku => [letterOf(sku, 1, product(sku)), letterOf(sku, 2, product(sku))]));
    const letters = await ask<{ items: DeadLetter[] }>("/v1/events/dead-letters?subscriber=inventory&limit=100");
    expect(letters.items).toHaveLength(24);
    const tool = await events("replay", "inventory");
    expect(tool).toMatchObject({ code: 0, said: "" });
    expect(JSON.parse(tool.out)).toEqual({ subscriber: "inventory", replayed: 24, left: 0 });
    expect(await replay()).toMatchObject({ replayed: 0, left: 0 });
  });

  it("park an aggregate whose event cannot be taken, and keep what comes behind it", async () => {
    await log.append([eventOf("order.shipped.v1", "BAD", 1, {} as never)]);
    const dead = () => ask<{ items: DeadLetter[] }>("/v1/events/dead-letters?subscriber=inventory");
    await until(async () => (await dead()).items.length === 1, "the event is a dead letter");
    await log.append([eventOf("order.shipped.v1", "BAD", 2, {} as never)]);
    await until(async () => (await dead()).items.length === 2, "the next one waits behind it");
    expect((await dead()).items.map(({ event }) => event.sequence)).toEqual([1, 2]);
    const tool = await events("replay", "inventory");
    expect(JSON.parse(tool.out)).toEqual({ subscriber: "inventory", replayed: 0, left: 2 });
    expect(tool.code).toBe(1);
    expect(tool.said).toContain("2 could not be delivered");
    expect((await events("dead-letters", "inventory")).out).toMatch(/order:BAD .*order.shipped.v1 order:BAD:1 .*│ 5 /);
  });

  it("deliver a range of time again", async () => {
    const range = { subscriber: "inventory", from: "2026-01-01T00:00:00.000Z", to: "2099-01-01T00:00:00.000Z" };
    for (const sku of ["R1", "R2", "R3"]) await ask("/v1/products", wish(sku));
    await until(() => areDelivered(3), "inventory has everything");
    const answer = await ask<{ replayed: number; left: number }>("/v1/events/replays", range);
    expect(answer).toMatchObject({ replayed: 3, left: 2, nextCursor: null });
  });

  it("go on as one when the other is killed", async () => {
    const [first] = cluster.with("bridge");
    await first?.kill();
    for (const sku of ["K1", "K2", "K3", "K4", "K5", "K6"]) await ask("/v1/products", wish(sku));
    await until(() => areDelivered(9), "the other delivers everything");
    const before = await shares();
    expect(before.filter(count => count > 0)).toHaveLength(1);
  });

  it("show how far a subscriber is behind that is away, and that it is not any more", async () => {
    await until(async () => (await shownLag()) === 0, "inventory is not behind");
    await Promise.all(cluster.with("inventory").map(node => node.kill()));
    for (const sku of ["L1", "L2", "L3"]) await ask("/v1/products", wish(sku));
    await until(async () => (await shownLag()) === 3, "inventory is three events behind");
    await cluster.add([{ services: ["inventory"] }]);
    await until(async () => (await shownLag()) === 0, "inventory has taken them");
  });
});
