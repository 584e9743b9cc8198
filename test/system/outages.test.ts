// NATS, MongoDB and Kafka go away under load, each in three ways, and come back: nobody hangs, nothing is lost.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { Finding } from "../../core/contracts/audit.ts";
import type { Result } from "../../core/contracts/index.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import {
  startBreakableServers,
  type Breakable,
  type BreakableServers,
} from "../../scripts/support/breakable-servers.ts";
import { checkMongo } from "../../core/store/mongo-client.ts";
import { replicasOf, startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import type { Attempt } from "../../scripts/support/load.ts";
import { client } from "../support/client.ts";
import { everyEvent } from "../support/event-topics.ts";
import { mongoAt } from "../support/mongo-storage.ts";
import { settle } from "../support/outside-audit.ts";
import { scale } from "../support/scale.ts";
import { startTrade, type Trade } from "../support/trade.ts";
import { isDone, isWrong, startVisitors } from "../support/visitors.ts";

const RATE = 4;
/** So many that some order always comes, though each buyer waits as long as it is told to before it asks again. */
const BUYERS = 16;
const FLOWS_AGAIN_MS = 5_000;
const EVENTS_AGAIN_MS = 30_000;
/** Of the harness, not of the shop: without the proxy it is reached at once. */
const REACHED_MS = 60_000;
/** Above what an outage of Kafka leaves at this rate, and soon reached without a limit. */
const OUTBOX_BOUND = scale.isSoak ? 2_000 : 400;
/** At most, in the outbox of one service while the log takes none. */
const EVENTS_PER_ORDER = 4;

const nodes = [
  ...replicasOf({ inventory: 2, order: 2, billing: 2, bridge: 1, gateway: 2 }),
  { services: ["account", "product", "customer", "notification", "registry", "audit"] },
];

let servers: BreakableServers;
let cluster: Cluster;

beforeAll(async () => {
  servers = await startBreakableServers();
  const env = { COMPTOIR_SAGA_LEASE: "5", COMPTOIR_OUTBOX_BOUND: String(OUTBOX_BOUND), COMPTOIR_AUDIT_INTERVAL: "5" };
  cluster = await startCluster({ servers: servers.addresses, nodes, env });
}, scale.timeoutMs);

afterAll(async () => {
  await cluster.kill();
  await servers.stop();
});

/** The proxy dials one connection after the other, and that to a server whose queue was full the kernel tries again late. */
async function untilReached(mongo: string): Promise<void> {
  const thawed = Date.now();
  for (;;) {
    try {
      await checkMongo(mongoAt(mongo));
      break;
    } catch (error) {
      if (Date.now() - thawed > REACHED_MS) throw error;
      await pause(50);
    }
  }
  console.log("mongo frozen: reached through its proxy after", Date.now() - thawed, "ms");
}

/** Resolves once every subscriber has taken all that is in the log, not only those that an order waits for. */
async function delivered({ api }: Trade): Promise<void> {
  const subscribers = ["audit", "billing", "customer", "inventory", "notification", "order"];
  await api.until(
    () => api.patiently<Result<"v1.bridge.lag">>("/v1/events/lag"),
    ({ items }) =>
      subscribers.every(name => items.some(({ subscriber }) => subscriber === name)) &&
      items.every(({ behind }) => behind === 0),
  );
}

interface Fault {
  readonly begin: (broken: Breakable) => unknown;
  readonly end: (broken: Breakable) => unknown;
}

const faults: Readonly<Record<string, Fault>> = {
  killed: { begin: ({ server }) => server.kill(), end: ({ server }) => server.restart() },
  frozen: {
    begin: ({ server }) => {
      server.freeze();
    },
    end: async broken => {
      broken.server.thaw();
      if (broken === servers.mongo) await untilReached(servers.addresses.mongo);
    },
  },
  "cut off": { begin: ({ proxy }) => proxy.blackHole(), end: ({ proxy }) => proxy.heal() },
};

const names = ["nats", "mongo", "kafka"] as const;
const cases = names.flatMap(name => Object.keys(faults).map(how => ({ name, how })));

const attemptsOf = ({ load }: Trade): Attempt[] => load.placed.flatMap(({ attempts }) => attempts);
const isAnswered = ({ status }: Attempt): boolean => status === 201 || status === 202;

/** Resolves with the ms from `since` until an order that was sent after it is accepted. */
async function flowsAgain(trade: Trade, since: number): Promise<number> {
  const found = await trade.api.until(
    () => Promise.resolve(attemptsOf(trade).find(each => each.at >= since && isAnswered(each))),
    attempt => attempt !== undefined,
  );
  return found === undefined ? Infinity : found.at + found.ms - since;
}

const wrongAnswers = (attempts: readonly Attempt[]): Attempt[] => attempts.filter(isWrong(isAnswered));

/** What a process says on its ops port of whether it takes work. */
interface Readiness {
  readonly status: string;
  readonly reasons: readonly string[];
  readonly degraded: readonly string[];
}
async function readinessOf(node: string): Promise<Readiness> {
  const answer = await fetch(`${cluster.node(node).opsUrl}/ready`);
  return (await answer.json()) as Readiness;
}

/** Who takes no work without it, and says why; the log is of use to the bridge alone. */
const unready = {
  nats: { node: "order-1", because: "nats: " },
  mongo: { node: "order-1", because: "database order: " },
  kafka: { node: "bridge-1", because: "event log: " },
} as const;

describe(`For ${String(scale.outageMs / 1000)} s`, () => {
  it.each(cases)(
    "$name is $how: no hang, only 503 with Retry-After, and orders and events flow after its return",
    async ({ name, how }) => {
      const fault = faults[how];
      if (fault === undefined) throw new Error(`${how} is no fault`);
      const load = { ratePerSecond: RATE, concurrency: BUYERS };
      const trade = await startTrade(cluster, { name: `${name}-${how.replace(" ", "-")}`, ...load });
      await trade.api.until(
        () => Promise.resolve(attemptsOf(trade).filter(isAnswered).length),
        count => count >= RATE,
      );
      const visitorsEnd = startVisitors(
        cluster.gateways(),
        await cluster.adminToken(),
        trade.load.placed[0]?.sku ?? "",
      );
      await fault.begin(servers[name]);
      const broken = Date.now();
      await pause(scale.outageMs);
      const during = attemptsOf(trade).filter(({ at }) => at >= broken);
      const { node, because } = unready[name];
      const [without, order] = [await readinessOf(node), await readinessOf("order-1")];
      await fault.end(servers[name]);
      const back = Date.now();
      const flowing = await flowsAgain(trade, back);
      const report = await trade.load.stop();
      const visits = await visitorsEnd();
      await settle(trade.api, [...report.orders.values()], EVENTS_AGAIN_MS);
      await delivered(trade);
      const settled = Date.now() - back;
      console.log(name, how, { ...report.answers, accepted: report.accepted, failed: report.failed, flowing, settled });
      expect(wrongAnswers(attemptsOf(trade))).toEqual([]);
      expect(visits.filter(isWrong(isDone))).toEqual([]);
      expect(new Set(visits.filter(isDone).map(({ method }) => method))).toEqual(new Set(["GET", "POST"]));
      expect(flowing).toBeLessThan(FLOWS_AGAIN_MS);
      expect(settled).toBeLessThan(EVENTS_AGAIN_MS);
      expect(without).toMatchObject({ status: "unready", reasons: [expect.stringContaining(because)] });
      if (name === "kafka")
        expect(order).toMatchObject({ status: "ready", degraded: [expect.stringContaining("log: takes no events")] });
      if (name === "kafka") expect(during.filter(each => !isAnswered(each))).toEqual([]);
      expect(await trade.violations()).toEqual([]);
    },
    scale.timeoutMs,
  );

  it(
    "takes orders without Kafka until the outboxes are full, refuses then, and goes on when they empty",
    async () => {
      await servers.kafka.server.kill();
      const trade = await startTrade(cluster, { name: "bound" });
      const began = Date.now();
      const isFull = ({ status, code }: Attempt): boolean => status === 503 && code === "EVENT_BACKLOG";
      await trade.api.until(
        () => Promise.resolve(attemptsOf(trade).filter(isFull).length),
        count => count > 10,
      );
      const full = Date.now() - began;
      const taken = attemptsOf(trade).filter(isAnswered).length;
      expect(taken).toBeGreaterThan(OUTBOX_BOUND / EVENTS_PER_ORDER);
      await servers.kafka.server.restart();
      const flowing = await flowsAgain(trade, Date.now());
      console.log("kafka's outboxes", { full, taken, flowing });
      // What waits goes first, as much as the bound lets in.
      expect(flowing).toBeLessThan(EVENTS_AGAIN_MS);
      await trade.close();
      await trade.audited();
      expect(wrongAnswers(attemptsOf(trade))).toEqual([]);
      expect(await trade.violations()).toEqual([]);
      const events = await everyEvent(trade.api, servers.addresses, cluster.namespace);
      expect(events).toMatchObject({ missing: [], inversions: [], astray: [] });
    },
    scale.timeoutMs,
  );
});

describe("What is changed in MongoDB behind the shop's back", () => {
  it("is found by the audit within a minute", async () => {
    const [url = ""] = cluster.gateways();
    const api = client(url, await cluster.adminToken());
    const trade = await startTrade(cluster, { name: "planted", skus: 1, ratePerSecond: RATE });
    await trade.close();
    const { sku, onHand } = await api.get<StockItem>("/v1/inventory/planted-0");
    const mongo = await MongoClient.connect(servers.addresses.mongo);
    const stock = mongo.db(`${cluster.namespace}_inventory`).collection<{ _id: string }>("stock_items");
    await stock.updateOne({ _id: sku }, { $set: { "state.onHand": onHand + 1 } });
    await mongo.close();
    const ofItem = (all: readonly Finding[]): Finding[] => all.filter(({ subject }) => subject === `stock:${sku}`);
    // For a minute.
    const found = await api.until(
      () => api.all<Finding>("/v1/audit?status=OPEN"),
      all => ofItem(all).length > 0,
    );
    expect(ofItem(found)).toMatchObject([{ check: "stock", severity: "critical" }]);
  });
});
