// Deliveries that come twice, in another order, and again because their acknowledgement was lost: nothing happens twice.
// An event that cannot be taken: its aggregate waits, the others go on, and a replay brings them in order.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Result } from "../../core/contracts/index.ts";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Order } from "../../core/contracts/order.ts";
import { knownServices } from "../../core/node.ts";
import { MongoDump } from "../../core/store/mongo-dump.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { keysOf } from "../../services/billing/payment.domain.ts";
import { ledgerCollection, type LedgerEntry } from "../../services/billing/provider.simulator.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { createChance } from "../simulation/chance.ts";
import { runEvents } from "../support/events-tool.ts";
import { mongoAt } from "../support/mongo-storage.ts";
import { scale } from "../support/scale.ts";
import { startTrade, type Trade } from "../support/trade.ts";
import { startUnrulyBridge, type UnrulyBridge } from "../support/unruly-bridge.ts";
import { UnrulyDeliveries, type Shares } from "../support/unruly-deliveries.ts";

const shares: Shares = { doubled: 0.2, reordered: 0.2, unanswered: 0.1 };
/** Two of each, so that a delivery and its double meet in different processes. */
const twice = ["order", "billing", "notification", "inventory"];

const seed = Number(process.env["SEED"] ?? Date.now() % 100_000);
const deliveries = new UnrulyDeliveries(createChance(seed), shares);
let servers: Servers;
let cluster: Cluster;
let bridge: UnrulyBridge;
let trade: Trade;
/** The bridge before its subscribers: else it waits for answers that nobody gives. */
let ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  console.log(`SEED=${String(seed)}`);
  servers = await requireServers(process.env);
  ends = [() => servers.stop()];
  const namespace = `t-${randomBytes(5).toString("hex")}`;
  bridge = await startUnrulyBridge(servers, namespace, deliveries);
  ends.unshift(() => bridge.stop());
  const once = knownServices().filter(name => name !== "bridge" && !twice.includes(name));
  cluster = await startCluster({ servers, namespace, nodes: [{ services: twice, count: 2 }, { services: once }] });
  ends = [() => bridge.stop(), () => cluster.kill(), () => servers.stop()];
}, scale.timeoutMs);

afterAll(async () => {
  for (const end of ends) await end();
});

const POLL_MS = 50;
/** Orders come faster than deliveries of this kind are made: what waits at the end grows with their number. */
const SETTLE_MS = 60_000 * (scale.deliveries / 1_000);
const CONCURRENCY = 16;

async function inTurns<T, R>(all: readonly T[], ask: (one: T, index: number) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let at = 0; at < all.length; at += CONCURRENCY)
    answers.push(...(await Promise.all(all.slice(at, at + CONCURRENCY).map((one, place) => ask(one, at + place)))));
  return answers;
}

async function until(isTrue: () => boolean, what: string, limitMs = SETTLE_MS): Promise<void> {
  const end = Date.now() + limitMs;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`Not within ${String(limitMs / 1000)} s: ${what}`);
    await pause(POLL_MS);
  }
}

const confirmed = ["order-confirmed", "invoice-issued"];
/** The mails that an order of this load gets. */
const mailed: Readonly<Record<Order["status"], readonly string[]>> = {
  PENDING: [],
  REJECTED: ["order-rejected"],
  CONFIRMED: confirmed,
  COMPLETED: [...confirmed, "order-shipped"],
  CANCELLED: [...confirmed, "order-cancelled", "payment-refunded", "creditnote-issued"],
};
const mailsOf = ({ id, status }: Order): string[] => mailed[status].map(name => `${id} ${name}`);

type Mail = Pick<Notification, "orderId" | "template">;
const nameOf = ({ orderId, template }: Mail): string => `${String(orderId)} ${template}`;

/** By one walk over the database: page by page, in order, the stand-in reads all of them again for each. */
async function allOf<T>(service: string, collection: string): Promise<T[]> {
  const dump = await MongoDump.open(mongoAt(servers.mongo), cluster.namespace);
  const states: T[] = [];
  for await (const { body } of dump.documents({ service, collection }))
    states.push((JSON.parse(body) as { state: T }).state);
  await dump.close();
  return states;
}

/** Sorted; each mail that there is, so one that is there twice is named twice. */
const allMails = async (): Promise<string[]> => (await allOf<Mail>("notification", "notifications")).map(nameOf).sort();

/** Sorted; each capture by the provider's own account, whatever billing knows of it. */
const allCharges = async (): Promise<string[]> =>
  (await allOf<LedgerEntry>("provider", ledgerCollection.name))
    .filter(({ type, state }) => type === "CAPTURE" && state === "APPROVED")
    .map(({ of, amount }) => `${String(of)} ${String(amount)}`)
    .sort();
const chargeOf = ({ id, totals }: Order): string => `${keysOf(id).authorize} ${String(totals.gross.amount)}`;

/** Of twenty orders one is shipped and one cancelled. @returns how many were changed */
async function shipAndCancelSome(orders: readonly Order[]): Promise<number> {
  const sold = orders.filter(({ status }) => status === "CONFIRMED");
  const chosen = sold.filter((_, index) => index % 20 < 2);
  const answers = await inTurns(chosen, ({ id }, index) =>
    index % 2 === 0
      ? trade.api.post(`/v1/orders/${id}/shipments`, {}, `ship-${id}`)
      : trade.api.post(`/v1/orders/${id}/cancel`, { reason: "No longer wanted" }, `cancel-${id}`),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
  return chosen.length;
}

function expectDisturbed(): void {
  const { plain, doubled, reordered, unanswered, heldBack, overtaken } = deliveries.counts;
  const total = plain + doubled + reordered + unanswered;
  console.log({ deliveries: total, ...deliveries.counts, ...deliveries.repeated });
  for (const [kind, share] of Object.entries(shares) as [keyof Shares, number][]) {
    expect(deliveries.counts[kind] / total).toBeGreaterThan(0.8 * share);
    expect(deliveries.counts[kind] / total).toBeLessThan(1.2 * share);
  }
  // Its subscribers have felt it.
  const { events, more } = deliveries.repeated;
  expect(more / events).toBeGreaterThan(shares.doubled);
  expect(overtaken / heldBack).toBeGreaterThan(0.5);
}

describe("Deliveries that are doubled, reordered and not acknowledged", () => {
  it(
    `make one invoice and one mail of each kind for each of ${String(scale.deliveries)} orders, and leave no number out`,
    async () => {
      trade = await startTrade(cluster, { name: "deliveries", concurrency: CONCURRENCY });
      ends.unshift(() => trade.load.stop());
      await until(() => trade.load.placed.length >= scale.deliveries, "all orders are placed", scale.timeoutMs);
      const { sent, accepted, failed, answers, perSecond, latency, orders } = await trade.close(SETTLE_MS);
      console.log({ sent, accepted, failed, answers, perSecond, latency });
      expect(accepted).toBeGreaterThan(0.99 * sent);

      await until(() => deliveries.owed === 0, "every delivery of the orders is acknowledged");
      expect(await trade.violations()).toEqual([]);

      const before = deliveries.settled("inventory");
      const asTheyAre = () => inTurns([...orders.values()], id => trade.api.patiently<Order>(`/v1/orders/${id}`));
      const changed = await shipAndCancelSome(await asTheyAre());
      const ended = await asTheyAre();
      const wanted = ended.flatMap(mailsOf).sort();
      await until(() => deliveries.settled("notification") >= wanted.length, "every event that makes a mail is taken");
      await until(() => deliveries.settled("inventory") >= before + changed, "every event that moves goods is taken");
      await until(() => deliveries.owed === 0, "every delivery is acknowledged");
      expect(await allMails()).toEqual(wanted);
      const sold = ended.filter(({ status }) => status !== "REJECTED");
      expect(await allCharges()).toEqual(sold.map(chargeOf).sort());
      expect(await trade.violations()).toEqual([]);
      expectDisturbed();
    },
    scale.timeoutMs,
  );
});

const letters = async (): Promise<DeadLetter[]> =>
  (await trade.api.get<Result<"v1.bridge.deadLetters">>("/v1/events/dead-letters?subscriber=notification")).items;

async function lettersBecome(count: number): Promise<DeadLetter[]> {
  return trade.api.until(letters, found => found.length >= count);
}

async function order(name: string): Promise<Order> {
  const [{ sku } = { sku: "" }] = trade.load.placed;
  const wish = { email: `${name}@load.example`, currency: "GBP", payment: { method: "pm_card_visa" } };
  const placed = await trade.api.post<Order>("/v1/orders", { ...wish, lines: [{ sku, quantity: 3 }] }, name);
  return trade.api.until(
    () => trade.api.get<Order>(`/v1/orders/${placed.body.id}`),
    ({ status }) => status === "CONFIRMED",
  );
}

/** One unit of it. */
async function ship({ id, lines: [line] }: Order, number: number): Promise<void> {
  const key = `${id}-shipment-${String(number)}`;
  const { status } = await trade.api.post(
    `/v1/orders/${id}/shipments`,
    { lines: [{ sku: line?.sku, quantity: 1 }] },
    key,
  );
  expect(status).toBe(201);
}

/** Waits until there are so many. */
const mailsBecome = ({ id }: Order, count: number): Promise<string[]> =>
  trade.api.until(
    async () =>
      (await trade.api.all<Notification>(`/v1/notifications?orderId=${id}`)).map(({ template }) => template).sort(),
    found => found.length >= count,
  );

const typesOf = (events: readonly CloudEvent[]): string[] => events.map(({ type }) => type);

describe("An event that its subscriber cannot take", () => {
  it(
    "parks what comes after it for its aggregate only, until a replay brings all of it in order",
    async () => {
      deliveries.refuse(
        (subscriber, { type, data }) =>
          subscriber === "notification" && type === "order.confirmed.v1" && data["email"] === "refused@load.example",
      );
      const stuck = await order("refused");
      await ship(stuck, 1);
      const buried = await lettersBecome(2);
      expect(typesOf(buried.map(({ event }) => event))).toEqual(["order.confirmed.v1", "order.shipped.v1"]);
      expect(buried[0]).toMatchObject({ subject: `order:${stuck.id}`, error: "refused by the test", attempts: 5 });
      await ship(stuck, 2);
      await lettersBecome(3);

      const other = await order("willing");
      await ship(other, 1);
      expect(await mailsBecome(other, 3)).toEqual(["invoice-issued", "order-confirmed", "order-shipped"]);
      expect(await mailsBecome(stuck, 1)).toEqual(["invoice-issued"]);
      expect((await letters()).every(({ subject }) => subject === `order:${stuck.id}`)).toBe(true);

      deliveries.refuse(() => false);
      const [gateway = ""] = cluster.gateways();
      const tool = await runEvents(gateway, "replay", "notification");
      expect(tool).toMatchObject({ code: 0, said: "" });
      expect(JSON.parse(tool.out)).toEqual({ subscriber: "notification", replayed: 3, left: 0 });
      const replayed = bridge.replayed.map(({ event }) => event);
      expect(typesOf(replayed)).toEqual(["order.confirmed.v1", "order.shipped.v1", "order.shipped.v1"]);
      expect(replayed).toEqual(replayed.toSorted((a, b) => a.sequence - b.sequence));
      expect(await letters()).toEqual([]);

      await ship(stuck, 3);
      const shipped = ["order-shipped", "order-shipped", "order-shipped"];
      expect(await mailsBecome(stuck, 5)).toEqual(["invoice-issued", "order-confirmed", ...shipped]);
      expect(await letters()).toEqual([]);
    },
    scale.timeoutMs,
  );
});
