// teardown(): waits until every order of the run has ended, and looks through the API whether everything adds up.
import { sleep } from "k6";
import { Counter, Gauge } from "k6/metrics";
import type { Finding } from "../../core/contracts/audit.ts";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Order } from "../../core/contracts/order.ts";
import { Client, login } from "./client.ts";
import { violations } from "./invariants.ts";
import type { Settings } from "./settings.ts";
import { isOf, stockOf, type Start } from "./shop.ts";

const broken = new Counter("invariants_broken");
const found = new Gauge("orders_found");
const confirmed = new Gauge("orders_confirmed");

/** What an accepted order may take until it has ended and has its invoice: longer than a lease, so that a sweeper may come. */
const PATIENCE_S = 60;
/** Clocks differ. */
const SLACK_MS = 60_000;
const SHOWN = 20;

const moment = (ms: number): string => encodeURIComponent(new Date(ms).toISOString());

const isOpen = ({ status, invoiceId }: Order): boolean =>
  status === "PENDING" || (status === "CONFIRMED" && invoiceId === null);

/** All of the run, each as it is once it has ended, or after the patience. */
function endedOrders(client: Client, { run, at }: Start): Order[] {
  const path = `/v1/orders?placedFrom=${moment(at - SLACK_MS)}`;
  const orders = new Map<string, Order>();
  for (const order of client.all<Order>(path, "/v1/orders")) if (isOf(run, order)) orders.set(order.id, order);
  const end = Date.now() + PATIENCE_S * 1000;
  for (;;) {
    const open = [...orders.values()].filter(isOpen);
    if (open.length === 0 || Date.now() > end) return [...orders.values()];
    sleep(0.2);
    for (const { id } of open)
      orders.set(id, client.read(`/v1/orders/${encodeURIComponent(id)}`, "/v1/orders/{id}") as Order);
  }
}

function invoicesOf(client: Client, { at }: Start, orders: readonly Order[]): Invoice[] {
  const ids = new Set<string | null>(orders.map(({ id }) => id));
  const all = client.all<Invoice>(`/v1/invoices?from=${moment(at - SLACK_MS)}`, "/v1/invoices");
  return [...all].filter(({ orderId }) => ids.has(orderId));
}

/** What the shop has found itself since the run began. A broken promise counts though it was taken back; being late, while it is. */
const findingsOf = (client: Client, { at }: Start): string[] =>
  [...client.all<Finding>("/v1/audit", "/v1/audit")]
    .filter(({ firstSeen }) => Date.parse(firstSeen) >= at)
    .filter(({ severity, status }) => severity === "critical" || status === "OPEN")
    .map(({ check, subject, detail, status }) => `the shop's own audit, ${check}, ${subject} (${status}): ${detail}`);

export function auditRun(settings: Settings, start: Start): { orders: Order[]; problems: string[] } {
  const client = new Client(settings, login(settings));
  const orders = endedOrders(client, start);
  const invoices = invoicesOf(client, start, orders);
  const after = Object.fromEntries(Object.keys(start.stock).map(sku => [sku, stockOf(client, sku)]));
  const problems = [...violations({ orders, invoices, before: start.stock, after }), ...findingsOf(client, start)];
  found.add(orders.length);
  confirmed.add(orders.filter(({ status }) => status === "CONFIRMED").length);
  return { orders, problems };
}

/** Makes each a line, and together a threshold that fails the run. */
export function report(problems: readonly string[]): void {
  for (const problem of problems.slice(0, SHOWN)) console.error(problem);
  // Also when it is 0: a threshold on a metric that never came would hold.
  broken.add(problems.length);
}
