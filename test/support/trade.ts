// A cluster that sells: stocked, under a steady load through all its gateways, and looked at afterwards from outside.
import type { Finding } from "../../core/contracts/audit.ts";
import type { Result } from "../../core/contracts/index.ts";
import type { TimelineEntry } from "../../core/contracts/order.ts";
import { setTimeout as pause } from "node:timers/promises";
import { TAKEN_OVER } from "../../core/saga/record.ts";
import type { Cluster } from "../../scripts/support/cluster.ts";
import type { LoadReport } from "../../scripts/support/load-report.ts";
import { orderLoad, type Load } from "../../scripts/support/load.ts";
import { client, type Client } from "./client.ts";
import { auditFromOutside, settle } from "./outside-audit.ts";

export const PLENTY = 1_000_000;
const RESOLVED_MS = 60_000;

interface TradeOptions {
  readonly name: string;
  readonly skus?: number;
  readonly concurrency?: number;
  readonly ratePerSecond?: number;
  /** Of each SKU, by its index; more than anybody can buy when left out. */
  readonly stock?: (index: number) => number;
}

export interface Trade {
  readonly api: Client;
  readonly load: Load;
  /** Ends the load; every order has ended then. */
  close(timeoutMs?: number): Promise<LoadReport>;
  /** One sentence for each broken promise, from outside and from the shop's own audit as it stands. */
  violations(): Promise<string[]>;
  /** Resolves once the shop's own audit has been through everything twice: what it suspects it looks at again. */
  audited(): Promise<void>;
}

async function stockUp(api: Client, quantities: ReadonlyMap<string, number>): Promise<void> {
  await Promise.all(
    [...quantities].map(async ([sku, quantity]) => {
      const product = { sku, name: `Product ${sku}`, price: { amount: 255, currency: "GBP" } };
      await api.until(
        () => api.post("/v1/products", product, `product-${sku}`),
        ({ status }) => status === 201 || status === 409,
      );
      await api.until(
        () => api.post(`/v1/inventory/${sku}/receipts`, { quantity }, `stock-${sku}`),
        ({ status }) => status === 201,
      );
    }),
  );
}

/** @param rounds complete runs of each check that begin from now on, or almost. */
async function auditRuns(api: Client, rounds: number): Promise<void> {
  let since = new Date().toISOString();
  for (let round = 0; round < rounds; round += 1) {
    await api.until(
      () => api.get<Result<"v1.audit.list">>("/v1/audit"),
      ({ checks }) => checks.length > 0 && checks.every(({ finishedAt }) => finishedAt !== null && finishedAt > since),
    );
    since = new Date().toISOString();
  }
}

/** What is broken stays open; what was only late while a server was away is resolved by the next looks. */
async function openFindings(api: Client): Promise<Finding[]> {
  const end = Date.now() + RESOLVED_MS;
  for (;;) {
    const all = await api.all<Finding>("/v1/audit");
    const open = all.filter(({ severity, status }) => severity === "critical" && status === "OPEN");
    if (open.length === 0 || Date.now() > end) return open;
    await pause(500);
  }
}

/** All gateways are asked in turn, whether they run or not: a client does not know. */
export async function startTrade(cluster: Cluster, options: TradeOptions): Promise<Trade> {
  const { name, skus: count = 20, concurrency = 6, ratePerSecond, stock = () => PLENTY } = options;
  const urls = cluster.gateways();
  const token = await cluster.adminToken();
  const api = client(urls[0] ?? "", token);
  const skus = Array.from({ length: count }, (_, index) => `${name}-${String(index)}`);
  const received = new Map(skus.map((sku, index) => [sku, stock(index)]));
  await stockUp(api, received);
  const load = orderLoad({
    ...{ name, skus, concurrency, urls: () => urls, token: () => token },
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
  });
  return {
    api,
    load,
    async close(timeoutMs) {
      const report = await load.stop();
      await settle(api, [...report.orders.values()], timeoutMs);
      return report;
    },
    audited: () => auditRuns(api, 2),
    async violations() {
      const outside = await auditFromOutside(api, { placed: load.placed, received });
      const inside = await openFindings(api);
      return [...outside, ...inside.map(({ check, subject, detail }) => `audit: ${check} ${subject}: ${detail}`)];
    },
  };
}

/** How long after the end of its lease each of these orders' sagas was taken over that its process had left, in ms. */
export async function takeOvers(api: Client, orderIds: Iterable<string>): Promise<number[]> {
  const lateness: number[] = [];
  for (const id of orderIds) {
    const { items } = await api.get<{ items: TimelineEntry[] }>(`/v1/orders/${id}/timeline`);
    for (const { at, detail } of items.filter(({ name }) => name === TAKEN_OVER))
      lateness.push(Date.parse(at) - Date.parse(/ended at (\S+)$/.exec(detail ?? "")?.[1] ?? ""));
  }
  return lateness;
}
