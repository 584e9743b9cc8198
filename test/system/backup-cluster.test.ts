// A cluster is copied while it sells, and what comes back under another namespace is whole: real processes on real servers.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Order } from "../../core/contracts/order.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { ADMIN, temporaryFolder } from "../../scripts/support/shop.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { disagreements, settledBooks } from "../support/books.ts";
import { client } from "../support/client.ts";
import { buyers, order, stocked, UNITS } from "../support/market.ts";
import { ended, ROOT, type Ended } from "../support/shop-process.ts";

const START_MS = 600_000;

let servers: Servers;
let cluster: Cluster;
const folder = temporaryFolder();
const ends: (() => Promise<unknown>)[] = [];
const restored = `t-${randomBytes(5).toString("hex")}`;

function start(namespace?: string): Promise<Cluster> {
  const env = { COMPTOIR_SAGA_LEASE: "2", COMPTOIR_RATE_LIMIT: "0" };
  return startCluster({ servers, nodes: [{ count: 2 }], env, ...(namespace === undefined ? {} : { namespace }) });
}

beforeAll(async () => {
  servers = await requireServers(process.env);
  ends.unshift(() => servers.stop());
  cluster = await start();
  ends.unshift(() => cluster.kill());
}, START_MS);

afterAll(async () => {
  for (const end of ends) await end();
  rmSync(folder, { recursive: true });
});

function tool(name: "main" | "restore", args: readonly string[], namespace = cluster.namespace): Promise<Ended> {
  const child = spawn(process.execPath, [`scripts/backup/${name}.ts`, ...args], {
    cwd: ROOT,
    env: {
      COMPTOIR_ADMIN_EMAIL: ADMIN.email,
      COMPTOIR_ADMIN_PASSWORD: ADMIN.password,
      NATS_URL: servers.nats,
      MONGO_URL: servers.mongo,
      KAFKA_BROKERS: servers.kafka,
      COMPTOIR_NAMESPACE: namespace,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

const apiOf = async (of: Cluster) => client(of.gateways()[0] ?? "", await of.adminToken());

async function refused(args: readonly string[], text: string): Promise<void> {
  const { code, stderr } = await tool("restore", args);
  expect([code, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining(text)]]);
}

describe("A backup of a cluster that sells", () => {
  let file: string;
  let before: readonly Order[];
  let takenAt: number;

  it("is taken while it sells", async () => {
    const api = await apiOf(cluster);
    await stocked(api);
    const market = buyers(api, 4);
    await api.until(
      () => Promise.resolve(market.answered.length),
      count => count > 50,
    );
    before = market.answered.map(answer => answer.order);
    const { code, summary, stderr } = await tool("main", [folder, "--url", cluster.gateways()[0] ?? ""]);
    const during = market.answered.length - before.length;
    await market.stop();
    expect([code, stderr]).toEqual([0, ""]);
    [file, takenAt] = [String(summary["path"]), Date.parse(String(summary["takenAt"]))];
    expect(during).toBeGreaterThan(0);
    expect(Math.max(...market.answered.map(({ took }) => took))).toBeLessThan(10_000);
    expect(readdirSync(folder)).toEqual([file.slice(folder.length + 1)]);
  }, 300_000);

  it(
    "ends with one line when the shop is not where it is said to be",
    async () => {
      const { code, stderr } = await tool("main", [folder, "--url", "http://127.0.0.1:1"]);
      expect([code, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining("127.0.0.1:1")]]);
    },
    START_MS,
  );

  it("is not restored over a shop that runs, from a part of it, or from what is no backup", async () => {
    await refused([file], "stop it first");
    const bytes = readFileSync(file);
    const [cut, changed, text] = [join(folder, "cut.gz"), join(folder, "changed.gz"), join(folder, "text.gz")];
    writeFileSync(cut, bytes.subarray(0, bytes.length >> 1));
    writeFileSync(
      changed,
      Buffer.concat([bytes.subarray(0, 5_000), Buffer.from([(bytes[5_000] ?? 0) ^ 1]), bytes.subarray(5_001)]),
    );
    writeFileSync(text, "no backup at all");
    for (const damaged of [cut, changed, text]) await refused([damaged, "--into", restored], "is not");
  }, 120_000);

  it(
    "settles under another namespace, agrees with itself and goes on",
    async () => {
      await cluster.kill();
      const { code, stderr } = await tool("restore", [file, "--into", restored]);
      expect([code, stderr]).toEqual([0, ""]);
      await refused([file, "--into", restored], "has databases and topics already");
      const again = await start(restored);
      ends.unshift(() => again.kill());
      const api = await apiOf(again);
      const books = await settledBooks(api, "A");
      expect(disagreements(books, UNITS)).toEqual([]);
      const now = new Map(books.orders.map(each => [each.id, each.status]));
      for (const { id, status } of before.filter(each => each.status !== "PENDING")) expect(now.get(id)).toBe(status);
      expect(books.orders.every(({ createdAt }) => Date.parse(createdAt) <= takenAt)).toBe(true);
      // One when it is confirmed, one with the invoice; each comes by an event of its own.
      const notifications = await api.until(
        () => api.all<Notification>("/v1/notifications"),
        all => all.length >= 2 * books.orders.length,
      );
      const mails = new Set(notifications.map(({ orderId, template }) => `${String(orderId)} ${template}`));
      expect(mails.size).toBe(notifications.length);
      expect(mails.size).toBe(2 * books.orders.length);
      await api.post("/v1/orders", order, "after");
      expect(disagreements(await settledBooks(api, "A"), UNITS)).toEqual([]);
    },
    START_MS,
  );
});
