// A cluster is copied while it sells, and what comes back under another namespace is whole: real processes on real servers.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { loadToolConfig } from "../../core/config.ts";
import { restoredFirst } from "../../core/restored.ts";
import { DUMP_FORMAT, writeDump } from "../../core/backup/dump-file.ts";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Order } from "../../core/contracts/order.ts";
import { MongoDump } from "../../core/store/mongo-dump.ts";
import { startCluster, type Cluster, type NodeGroup } from "../../scripts/support/cluster.ts";
import { ADMIN, temporaryFolder } from "../../scripts/support/shop.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { disagreements, settledBooks } from "../support/books.ts";
import { client } from "../support/client.ts";
import { buyers, order, stocked, UNITS } from "../support/market.ts";
import { mongoAt } from "../support/mongo-storage.ts";
import { ended, ROOT, type Ended } from "../support/shop-process.ts";
import { until } from "../support/until.ts";

const START_MS = 600_000;

let servers: Servers;
let cluster: Cluster;
const folder = temporaryFolder();
const ends: (() => Promise<unknown>)[] = [];
const newNamespace = (): string => `t-${randomBytes(5).toString("hex")}`;
const restored = newNamespace();

function start(namespace = newNamespace(), nodes: readonly NodeGroup[] = [{ count: 2 }]): Promise<Cluster> {
  const env = { COMPTOIR_SAGA_LEASE: "2", COMPTOIR_RATE_LIMIT: "0" };
  return startCluster({ servers, nodes, env, namespace });
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

function spawnTool(name: "main" | "restore", args: readonly string[], namespace = cluster.namespace): ChildProcess {
  return spawn(process.execPath, [`scripts/backup/${name}.ts`, ...args], {
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
}

const tool = (name: "main" | "restore", args: readonly string[], namespace?: string): Promise<Ended> =>
  ended(spawnTool(name, args, namespace));

const apiOf = async (of: Cluster) => client(of.gateways()[0] ?? "", await of.adminToken());

async function refused(args: readonly string[], text: string): Promise<void> {
  const { code, stderr } = await tool("restore", args);
  expect([code, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining(text)]]);
}

let file: string;
let before: readonly Order[];
let takenAt: number;

describe("A backup of a cluster that sells", () => {
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

/** Sends the signal as soon as the namespace's databases are as wanted. */
async function interrupted(
  args: readonly string[],
  { namespace, signal }: { namespace: string; signal: "SIGINT" | "SIGKILL" },
  ...wanted: readonly ((dump: MongoDump) => Promise<boolean>)[]
): Promise<Ended> {
  const dump = await MongoDump.open(mongoAt(servers.mongo), namespace);
  const child = spawnTool("restore", args, namespace);
  const end = ended(child);
  try {
    // A database that is just being dropped is no answer.
    const is = (isSo: (typeof wanted)[number]) => isSo(dump).catch(() => false);
    for (const isSo of wanted) await until(async () => child.exitCode !== null || (await is(isSo)));
    child.kill(signal);
    return await end;
  } finally {
    await dump.close();
  }
}
const isMarked = async (dump: MongoDump): Promise<boolean> => (await dump.mark()) !== null;
/** What is dropped first and filled first. Only this is asked for: the stand-in fails who drops while somebody lists. */
async function isFilling(dump: MongoDump): Promise<boolean> {
  for await (const _ of dump.documents({ service: "account", collection: "accounts" })) return true;
  return false;
}
const isDropped = async (dump: MongoDump): Promise<boolean> => !(await isFilling(dump));

async function startsNoNode(namespace: string): Promise<void> {
  const line = new RegExp(`^comptoir: the namespace ${namespace} is half restored .*run npm run restore again$`, "m");
  for (const service of ["product", "bridge", "registry"]) {
    const failure = await start(namespace, [{ services: [service] }]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ cause: { message: expect.stringMatching(line) } });
  }
}

/** Of a node that looked for the mark before it was set. */
async function startsNoService(namespace: string): Promise<void> {
  const environment = { NATS_URL: servers.nats, MONGO_URL: servers.mongo, KAFKA_BROKERS: servers.kafka };
  const { cluster: place } = loadToolConfig(environment);
  const middleware = restoredFirst({ cluster: place, namespace, services: ["product"] });
  const broker = new ServiceBroker({ logger: false, middlewares: [middleware] });
  let isStarted = false;
  broker.createService({ name: "product", started: () => void (isStarted = true) });
  await expect(broker.start()).rejects.toThrow("is half restored");
  await broker.stop();
  expect(isStarted).toBe(false);
}

describe("A restore into a cluster", () => {
  it(
    "is refused while any node runs, though nobody reads the log",
    async () => {
      const selling = await start(newNamespace(), [{ services: ["product"] }, { services: ["inventory"] }]);
      ends.unshift(() => selling.kill());
      await refused(
        [file, "--into", selling.namespace, "--force"],
        `${selling.namespace} is in use by the nodes inventory-1, product-1: stop it first`,
      );
      await selling.add([{ services: ["product"] }]);
      await selling.kill();
    },
    START_MS,
  );

  it(
    "over a stopped shop can be killed: no node starts until it was repeated, and then all is as in the backup",
    async () => {
      const { namespace } = cluster;
      await cluster.kill();
      const killed = await interrupted([file, "--force"], { namespace, signal: "SIGKILL" }, ...[isDropped, isFilling]);
      expect([killed.code, killed.stderr]).toEqual([null, ""]);
      await startsNoNode(namespace);
      const backup = await tool("main", [folder]);
      expect([backup.code, backup.stderr]).toEqual([1, expect.stringContaining("is half restored")]);
      const again = await tool("restore", [file]);
      expect([again.code, again.stderr]).toEqual([0, ""]);
      const shop = await start(namespace);
      ends.unshift(() => shop.kill());
      const books = await settledBooks(await apiOf(shop), "A");
      expect(disagreements(books, UNITS)).toEqual([]);
      const ids = new Set(books.orders.map(({ id }) => id));
      expect(before.filter(({ id }) => !ids.has(id))).toEqual([]);
      expect(books.orders.every(({ createdAt }) => Date.parse(createdAt) <= takenAt)).toBe(true);
      await shop.kill();
    },
    START_MS,
  );

  it("says after Ctrl-C what is true", async () => {
    const namespace = newNamespace();
    const early = await interrupted([file], { namespace, signal: "SIGINT" }, isMarked);
    expect([early.code, early.stderr]).toEqual([130, "restore: stopped, nothing of the backup was restored\n"]);
    const dump = await MongoDump.open(mongoAt(servers.mongo), namespace);
    expect([await dump.mark(), await dump.isEmpty()]).toEqual([null, true]);
    await dump.close();
    const late = await interrupted([file], { namespace, signal: "SIGINT" }, isFilling);
    expect([late.code, late.stderr]).toEqual([
      130,
      `restore: stopped; the restore into ${namespace} is unfinished and no node starts there: run it again\n`,
    ]);
    const again = await tool("restore", [file], namespace);
    expect([again.code, again.stderr]).toEqual([0, ""]);
  }, 120_000);

  it("says when Kafka refuses that it is unfinished", async () => {
    const namespace = newNamespace();
    const path = join(folder, "refused.comptoir.gz");
    const header = { comptoir: "backup", format: DUMP_FORMAT, namespace, takenAt: new Date(0).toISOString() } as const;
    const document = { kind: "document", place: "product/products", body: `{"_id":"A"}` } as const;
    const lines = [{ kind: "topic", topic: "no topic!", partitions: 1 } as const, document];
    await writeDump(path, header, lines, AbortSignal.timeout(10_000));
    await refused([path, "--into", namespace], `the restore into ${namespace} is unfinished`);
    await startsNoNode(namespace);
    await startsNoService(namespace);
  }, 120_000);
});
