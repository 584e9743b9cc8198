// What must hold after a load, whatever was done to the cluster in it, as far as a client can see it over REST.
import { setTimeout as pause } from "node:timers/promises";
import type { Invoice, Payment } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Order } from "../../core/contracts/order.ts";
import { idsOf } from "../../scripts/support/load-report.ts";
import type { Placed } from "../../scripts/support/load.ts";
import type { Client } from "./client.ts";

/** Everything that the shop shows. */
export interface Shown {
  readonly orders: readonly Order[];
  readonly invoices: readonly Invoice[];
  readonly payments: readonly Payment[];
  readonly stock: readonly StockItem[];
}

/** What the clients know themselves. */
export interface Known {
  readonly placed: readonly Placed[];
  /** Units per SKU that came in, less what adjustments took out. */
  readonly received: ReadonlyMap<string, number>;
}

const SOLD: readonly Order["status"][] = ["CONFIRMED", "COMPLETED", "CANCELLED"];

type Check = (shown: Shown, known: Known) => Iterable<string>;

const total = <T>(all: readonly T[], of: (each: T) => number): number => all.reduce((sum, each) => sum + of(each), 0);

const acceptedAreThere: Check = function* ({ orders }, { placed }) {
  const there = new Set(orders.map(({ id }) => id));
  for (const each of placed) {
    const ids = idsOf(each);
    if (ids.length > 1) yield `${each.key}: was answered with ${String(ids.length)} orders`;
    for (const id of ids) if (!there.has(id)) yield `${each.key}: the accepted order ${id} is lost`;
  }
};

/** The e-mail names the wish: each is written by one client for one key. */
const oneOrderPerWish: Check = function* ({ orders }) {
  const guests = orders.filter(({ email }) => email !== null);
  for (const [email, all] of Map.groupBy(guests, order => order.email))
    if (all.length > 1) yield `${String(all.length)} orders for one wish of ${String(email)}`;
};

const finalIn: Readonly<Record<Order["status"], readonly Order["status"][]>> = {
  PENDING: ["CONFIRMED", "COMPLETED", "REJECTED", "CANCELLED"],
  CONFIRMED: ["CONFIRMED", "COMPLETED", "CANCELLED"],
  COMPLETED: ["COMPLETED"],
  REJECTED: ["REJECTED"],
  CANCELLED: ["CANCELLED"],
};

const answersStayTrue: Check = function* ({ orders }, { placed }) {
  const now = new Map(orders.map(({ id, status }) => [id, status]));
  for (const { order } of placed.flatMap(({ attempts }) => attempts)) {
    const status = order === null ? undefined : now.get(order.id);
    if (order === null || status === undefined) continue;
    if (status !== "PENDING" && !finalIn[order.status].includes(status))
      yield `order ${order.id} was answered ${order.status} and is ${status}`;
  }
};

const sagasEnd: Check = function* ({ orders }) {
  for (const { id, status } of orders) if (status === "PENDING") yield `order ${id} is still PENDING`;
};

const oneInvoiceEach: Check = function* ({ orders, invoices }) {
  const byOrder = Map.groupBy(
    invoices.filter(({ type }) => type === "INVOICE"),
    ({ orderId }) => orderId,
  );
  for (const { id, status, totals, invoiceId } of orders) {
    const own = byOrder.get(id) ?? [];
    const wanted = SOLD.includes(status) ? 1 : 0;
    if (own.length !== wanted) yield `order ${id} is ${status} and has ${String(own.length)} invoices`;
    const [invoice] = own;
    if (invoice === undefined) continue;
    if (invoice.totals.gross.amount !== totals.gross.amount) yield `order ${id}: its invoice has another total`;
    if (wanted === 1 && invoiceId !== invoice.id) yield `order ${id} does not know its invoice`;
  }
};

const numbersAreGapless: Check = function* ({ invoices }) {
  for (const [series, all] of Map.groupBy(invoices, ({ number }) => number.replace(/\d+$/, ""))) {
    const numbers = all.map(({ number }) => Number(/\d+$/.exec(number)?.[0])).sort((a, b) => a - b);
    const wrong = numbers.findIndex((number, index) => number !== index + 1);
    if (wrong >= 0) yield `${series}: number ${String(numbers[wrong])} stands where ${String(wrong + 1)} belongs`;
  }
};

const chargedOnce: Check = function* ({ orders, payments }) {
  const byOrder = Map.groupBy(payments, ({ orderId }) => orderId);
  const known = new Set(orders.map(({ id }) => id));
  for (const { id, orderId } of payments) if (!known.has(orderId)) yield `${id}: a payment for no order`;
  for (const order of orders) yield* ofPayments(order, byOrder.get(order.id) ?? []);
};

function* ofPayments({ id, status, totals }: Order, own: readonly Payment[]): Iterable<string> {
  const captured = total(own, payment => payment.captured.amount);
  const kept = captured - total(own, payment => payment.refunded.amount);
  if (own.length > 1) yield `order ${id} has ${String(own.length)} payments`;
  if (SOLD.includes(status) && captured !== totals.gross.amount)
    yield `order ${id} is ${status}, ${String(captured)} of ${String(totals.gross.amount)} taken`;
  if ((status === "REJECTED" || status === "CANCELLED") && kept !== 0)
    yield `order ${id} is ${status}, ${String(kept)} is kept`;
  if (status !== "REJECTED") return;
  const open = own.find(payment => !["VOIDED", "FAILED"].includes(payment.status));
  if (open !== undefined) yield `order ${id} is REJECTED, its payment ${open.status}`;
}

interface Units {
  ordered: number;
  shipped: number;
  back: number;
}

/** Per SKU: what orders hold, what was shipped and what was put back. */
function unitsOf(orders: readonly Order[]): (sku: string) => Units {
  const units = new Map<string, Units>();
  const of = (sku: string): Units => {
    const known = units.get(sku) ?? { ordered: 0, shipped: 0, back: 0 };
    units.set(sku, known);
    return known;
  };
  for (const { status, lines, shipments, returns } of orders) {
    if (status === "CONFIRMED" || status === "COMPLETED")
      for (const { sku, quantity } of lines) of(sku).ordered += quantity;
    for (const { sku, quantity } of shipments.flatMap(shipment => shipment.lines)) of(sku).shipped += quantity;
    for (const { sku, quantity } of returns.filter(({ restock }) => restock).flatMap(each => each.lines))
      of(sku).back += quantity;
  }
  return of;
}

const stockAddsUp: Check = function* ({ orders, stock }, { received }) {
  const units = unitsOf(orders);
  for (const { sku, onHand, reserved, allocated, available } of stock) {
    const { ordered, shipped, back } = units(sku);
    const came = received.get(sku) ?? 0;
    if (ordered - back > came) yield `${sku}: oversold: ${String(ordered)} sold of ${String(came)}`;
    if (onHand !== came - shipped + back)
      yield `${sku}: ${String(onHand)} on hand, movements add up to ${String(came - shipped + back)}`;
    if (allocated !== ordered - shipped)
      yield `${sku}: ${String(allocated)} allocated, orders need ${String(ordered - shipped)}`;
    if (reserved !== 0) yield `${sku}: ${String(reserved)} still reserved`;
    if (available !== onHand - reserved - allocated || available < 0)
      yield `${sku}: ${String(available)} available of ${String(onHand)} on hand`;
  }
};

const checks: readonly Check[] = [
  acceptedAreThere,
  oneOrderPerWish,
  answersStayTrue,
  sagasEnd,
  oneInvoiceEach,
  numbersAreGapless,
  chargedOnce,
  stockAddsUp,
];

/** One sentence for each broken promise; empty when everything holds. */
export const violations = (shown: Shown, known: Known): string[] => checks.flatMap(check => [...check(shown, known)]);

const AT_ONCE = 8;
const POLL_MS = 50;

async function each<T, R>(all: readonly T[], ask: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    answers.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(ask))));
  return answers;
}

const isOpen = ({ status, invoiceId }: Order): boolean =>
  status === "PENDING" || (SOLD.includes(status) && invoiceId === null);

/**
 * Resolves once these orders, and all others that the shop has, have ended and have their invoices: one whose client
 * got no answer goes on too. @throws naming some that have not in time
 */
export async function settle(api: Client, ids: readonly string[], timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  let last = "";
  const stays = async (id: string): Promise<boolean> => {
    try {
      const order = await api.get<Order>(`/v1/orders/${encodeURIComponent(id)}`);
      last = `${order.status}, invoice ${String(order.invoiceId)}`;
      return isOpen(order);
    } catch (error) {
      last = String(error);
      return true;
    }
  };
  let open = [...ids];
  let isListed = false;
  while (open.length > 0 || !isListed) {
    const still = await each(open, stays);
    open = open.filter((_, index) => still[index]);
    if (open.length > 0) await pause(POLL_MS);
    if (open.length > 0 && Date.now() > end)
      throw new Error(`${String(open.length)} orders have not ended, ${open.slice(0, 5).join(", ")}: ${last}`);
    if (open.length > 0 || isListed) continue;
    open = (await api.all<Order>("/v1/orders")).filter(isOpen).map(({ id }) => id);
    isListed = true;
  }
}

/** Looks at every order, invoice, payment and stock item. Ask once the orders are settled. @see violations */
export async function auditFromOutside(api: Client, known: Known): Promise<string[]> {
  // One after the other: of many thousands each page is work for the database, which may have better things to do.
  const orders = await api.all<Order>("/v1/orders");
  const invoices = await api.all<Invoice>("/v1/invoices");
  const payments = await api.all<Payment>("/v1/payments");
  const skus = [...known.received.keys()].map(encodeURIComponent);
  const stock = await each(skus, sku => api.patiently<StockItem>(`/v1/inventory/${sku}`));
  return violations({ orders, invoices, payments, stock }, known);
}
