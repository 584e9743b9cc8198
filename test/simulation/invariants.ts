// What must hold at the end of every run, whatever went wrong in it. Each broken promise is one sentence.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Movement } from "../../core/contracts/inventory.ts";
import { lineAmounts } from "../../core/kernel/money.ts";
import { templates } from "../../services/notification/notification.templates.ts";
import type { Told } from "./clients.ts";
import type { Snapshot, Stored, StockItem } from "./snapshot.ts";
import type { PaymentState } from "../../services/billing/payment.domain.ts";
import type { LedgerEntry } from "../../services/billing/provider.simulator.ts";
import type { OrderState } from "../../services/order/order.schema.ts";

type Check = (snapshot: Snapshot, told: readonly Told[]) => Iterable<string>;

const total = <T>(all: readonly T[], of: (each: T) => number): number => all.reduce((sum, each) => sum + of(each), 0);

/** The log without repeats: what a consumer that knows the ids sees. */
export const firstOccurrences = (log: readonly CloudEvent[]): CloudEvent[] => [
  ...new Map(log.map(event => [event.id, event] as const)).values(),
];

const stockAddsUp: Check = function* ({ items, log }) {
  const moves = new Map<string, number>();
  for (const { type, data } of firstOccurrences(log)) {
    const { sku, quantity } = data as { sku: string; quantity: number };
    const sign = type === "stock.sold.v1" ? -1 : /^stock\.(received|adjusted|returned)\.v1$/.test(type) ? 1 : 0;
    if (sign !== 0) moves.set(sku, (moves.get(sku) ?? 0) + sign * quantity);
  }
  for (const item of items) yield* ofItem(item, moves.get(item.id) ?? 0);
};

function* ofItem({ id, state, entries }: StockItem, moved: number): Iterable<string> {
  const { onHand, reserved, allocated } = state;
  const held = (wanted: string): number =>
    total(entries, entry => (entry.state === wanted && "quantity" in entry ? entry.quantity : 0));
  if (onHand < reserved + allocated) yield `${id}: oversold: ${JSON.stringify(state)}`;
  if (reserved !== held("RESERVED"))
    yield `${id}: ${String(reserved)} reserved, entries say ${String(held("RESERVED"))}`;
  if (reserved !== 0) yield `${id}: ${String(reserved)} still reserved`;
  if (allocated !== held("COMMITTED"))
    yield `${id}: ${String(allocated)} allocated, entries say ${String(held("COMMITTED"))}`;
  if (onHand !== moved) yield `${id}: ${String(onHand)} on hand, movements add up to ${String(moved)}`;
}

/** Units per SKU that an order still holds. */
function openUnits({ status, lines, shipments }: OrderState): Map<string, number> {
  const units = new Map<string, number>();
  if (status !== "CONFIRMED" && status !== "COMPLETED") return units;
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity);
  for (const { sku, quantity } of shipments.flatMap(shipment => shipment.lines))
    units.set(sku, (units.get(sku) ?? 0) - quantity);
  return units;
}

const allocationsAreOrders: Check = function* ({ items, orders }) {
  for (const { id, state } of items) {
    const wanted = total(orders, order => openUnits(order.state).get(id) ?? 0);
    if (wanted !== state.allocated) yield `${id}: ${String(state.allocated)} allocated, orders need ${String(wanted)}`;
  }
};

const nothingIsHeldForTheEnded: Check = function* ({ log, written }) {
  const events = new Map(log.map(event => [event.id, event] as const));
  const ended = new Set<string>();
  for (const id of written) {
    const { type = "", subject = "", data = {} } = events.get(id) ?? {};
    if (type === "order.rejected.v1" || type === "order.cancelled.v1") ended.add(subject);
    if (/^stock\.(reserved|committed)\.v1$/.test(type) && ended.has(String(data["orderId"])))
      yield `${id}: ${type} for an order that had ended`;
  }
};

const ordersEnd: Check = function* ({ orders }) {
  for (const { id, state } of orders) {
    if (state.status === "PENDING") yield `order ${id} is still PENDING`;
    if (state.saga.dueAt !== null) yield `order ${id} is ${state.status}, but its saga goes on`;
  }
};

const approved = (ledger: Snapshot["ledger"], type: LedgerEntry["type"]) =>
  ledger.filter(({ state }) => state.type === type && state.state === "APPROVED");

const orderOf = (key: string): string => key.replace(/^pay:/, "").replace(/:.*$/, "");

const ledgerIsPayments: Check = function* ({ ledger, payments }) {
  const [captures, refunds] = [approved(ledger, "CAPTURE"), approved(ledger, "REFUND")];
  const known = new Set(payments.map(({ state }) => state.orderId));
  for (const { id } of [...captures, ...refunds])
    if (!known.has(orderOf(id))) yield `money moved for ${id}: no payment`;
  for (const payment of payments) {
    const { orderId } = payment.state;
    const of = (entries: typeof captures) => entries.filter(({ id }) => orderOf(id) === orderId);
    yield* ofPayment(payment, of(captures), of(refunds));
  }
};

function* ofPayment(
  { id, state }: Stored<PaymentState>,
  captures: readonly Stored<LedgerEntry>[],
  refunds: readonly Stored<LedgerEntry>[],
): Iterable<string> {
  const taken = total(captures, entry => entry.state.amount);
  const givenBack = total(refunds, entry => entry.state.amount);
  const captured = state.capture?.status === "SUCCEEDED" ? state.capture.amount : 0;
  const refunded = total(state.refunds, refund => (refund.status === "SUCCEEDED" ? refund.amount : 0));
  if (captures.length > 1) yield `${id} was charged ${String(captures.length)} times`;
  if (taken !== captured) yield `${id}: the provider took ${String(taken)}, billing says ${String(captured)}`;
  if (givenBack !== refunded)
    yield `${id}: the provider gave ${String(givenBack)} back, billing says ${String(refunded)}`;
  if (refunded > captured) yield `${id}: more refunded than captured`;
  for (const refund of state.refunds)
    if (refund.status !== "SUCCEEDED") yield `${id}: the accepted refund ${refund.id} is ${refund.status}`;
  if (state.dueAt !== null || state.release?.status === "PENDING") yield `${id}: billing still has to ask the provider`;
}

const moneyFollowsOrders: Check = function* ({ orders, payments }) {
  const paid = new Map(payments.map(({ state }) => [state.orderId, state]));
  const ids = new Set(orders.map(({ id }) => id));
  for (const { state } of payments) if (!ids.has(state.orderId)) yield `a payment for no order: ${state.orderId}`;
  for (const order of orders) yield* ofOrder(order, paid.get(order.id));
};

function* ofOrder({ id, state }: Stored<OrderState>, payment: PaymentState | undefined): Iterable<string> {
  const captured = payment?.capture?.status === "SUCCEEDED" ? payment.capture.amount : 0;
  const kept = captured - total(payment?.refunds ?? [], ({ status, amount }) => (status === "SUCCEEDED" ? amount : 0));
  const wanted = state.totals.gross.amount;
  const isSold = state.status === "CONFIRMED" || state.status === "COMPLETED" || state.status === "CANCELLED";
  if (isSold && captured !== wanted)
    yield `order ${id} is ${state.status}, ${String(captured)} of ${String(wanted)} taken`;
  if (state.status === "REJECTED" && captured !== 0) yield `order ${id} is REJECTED, but was charged`;
  if (state.status === "CANCELLED" && kept !== 0) yield `order ${id} is CANCELLED, ${String(kept)} is kept`;
  if (state.status === "REJECTED" && payment !== undefined && !["VOIDED", "FAILED"].includes(payment.status))
    yield `order ${id} is REJECTED, its payment ${payment.status}`;
}

/** The order's last word on its payment is the payment's own. */
const ordersKnowTheirPayments: Check = function* ({ orders, payments }) {
  for (const { id, state } of orders) {
    const payment = payments.find(each => each.state.orderId === id)?.state;
    if (payment === undefined || !["CONFIRMED", "COMPLETED", "CANCELLED"].includes(state.status)) continue;
    if (state.paymentStatus !== payment.status)
      yield `order ${id} says ${state.paymentStatus}, its payment is ${payment.status}`;
  }
};

const movementsAreProjected: Check = function* ({ log, movements }) {
  const events = firstOccurrences(log).filter(({ type }) => movementEvents.test(type));
  if (events.length !== movements.length)
    yield `${String(events.length)} movements happened, ${String(movements.length)} are listed`;
  const listed = new Map(movements.map(({ id, state }) => [id, state.onHand]));
  for (const { id, data } of events) if (listed.get(id) !== data["onHand"]) yield `${id}: its movement is listed wrong`;
};

const movementEvents = /^stock\.(received|adjusted|reserved|released|expired|committed|sold|returned)\.v1$/;

const invoicesFollowOrders: Check = function* ({ orders, invoices }) {
  for (const { id, state } of orders) {
    const own = invoices.filter(invoice => invoice.state.orderId === id && invoice.state.type === "INVOICE");
    const wanted = ["CONFIRMED", "COMPLETED", "CANCELLED"].includes(state.status) ? 1 : 0;
    if (own.length !== wanted) yield `order ${id} is ${state.status} and has ${String(own.length)} invoices`;
    const [invoice] = own;
    if (invoice !== undefined && invoice.state.totals.gross.amount !== state.totals.gross.amount)
      yield `order ${id}: its invoice has another total`;
    if (wanted === 1 && state.invoiceId !== invoice?.id) yield `order ${id} does not know its invoice`;
    const credited = total(
      invoices.filter(note => note.state.type === "CREDIT_NOTE" && note.state.orderId === id),
      note => note.state.totals.gross.amount,
    );
    const due = state.status === "CANCELLED" ? state.totals.gross.amount : returnedAmount(state);
    if (credited !== due) yield `order ${id}: ${String(credited)} is credited instead of ${String(due)}`;
  }
};

function returnedAmount({ lines, returns }: OrderState): number {
  const back = new Map<string, number>();
  for (const { lineId, quantity } of returns.flatMap(each => each.lines))
    back.set(lineId, (back.get(lineId) ?? 0) + quantity);
  return total(lines, line => lineAmounts(line.unitPrice, back.get(line.id) ?? 0, line.taxRate).gross.amount);
}

const numbersAreGapless: Check = function* ({ invoices, counters }) {
  const bySeries = Map.groupBy(invoices, ({ state }) => state.series);
  for (const [series, documents] of bySeries) {
    const drafts = documents.filter(({ state }) => state.status === "DRAFT");
    for (const { id } of drafts) yield `${id} is still a draft`;
    const numbered = documents
      .filter(({ state }) => state.status !== "DRAFT")
      .map(({ state }) => ({ n: Number(/\d+$/.exec(state.number)?.[0]), issuedAt: state.issuedAt ?? "" }))
      .sort((a, b) => a.n - b.n);
    for (const [index, { n }] of numbered.entries())
      if (n !== index + 1) yield `${series}: number ${String(n)} stands where ${String(index + 1)} belongs`;
    for (const [index, { issuedAt }] of numbered.entries())
      if (issuedAt < (numbered[index - 1]?.issuedAt ?? ""))
        yield `${series}: issuedAt goes back at ${String(index + 1)}`;
    const { last = 0, inFlight = null } = counters.find(({ id }) => id === series)?.state ?? {};
    // A flight whose documents all have their numbers is closed by whoever takes the next one.
    if (last + (inFlight?.length ?? 0) !== numbered.length) yield `${series}: the counter is not at the last number`;
  }
};

const logIsWhole: Check = function* ({ log, documents, waiting }) {
  if (waiting > 0) yield `${String(waiting)} events were never published`;
  const last = new Map<string, number>();
  for (const { source, subject, sequence } of firstOccurrences(log)) {
    const aggregate = `${source.replace(/^.*\//, "")}:${subject}`;
    const before = last.get(aggregate) ?? 0;
    if (sequence !== before + 1) yield `${aggregate}: event ${String(sequence)} follows ${String(before)} in the log`;
    last.set(aggregate, sequence);
  }
  for (const { aggregate, id, seq } of documents) {
    const published = last.get(`${aggregate}:${id}`) ?? 0;
    if (published !== seq) yield `${aggregate}:${id} made ${String(seq)} events, the log has ${String(published)}`;
  }
};

const mailsAreOnce: Check = function* ({ log, notifications }) {
  const mails = Map.groupBy(notifications, ({ id, state }) => `${mailedFor(id)} ${state.template}`);
  for (const [mail, all] of mails) if (all.length > 1) yield `${mail} was queued ${String(all.length)} times`;
  for (const { id, type, data } of firstOccurrences(log)) {
    if (!Object.hasOwn(templates, type)) continue;
    // Every order here has an e-mail, and a refund is one of an order.
    if (typeof data["email"] !== "string" && type !== "payment.refunded.v1") continue;
    const template = templates[type as keyof typeof templates];
    if (!mails.has(`${id} ${template}`)) yield `${id}: nobody was told (${template})`;
  }
};

/** "ntf:<event id>", where the event's id ends in its number. */
const mailedFor = (id: string): string => /^ntf:(.*?:\d+)(?:~.*)?$/.exec(id)?.[1] ?? id;

const answersStayTrue: Check = function* ({ orders, payments, log }, told) {
  const events = firstOccurrences(log);
  const stock = new Map(
    events.flatMap(({ type, data }) =>
      type.startsWith("stock.") ? [[String(data["movementId"]), type] as const] : [],
    ),
  );
  for (const { action, key, answer } of told) {
    if (answer === null) continue;
    const about = `${key} (${action})`;
    if (action.startsWith("v1.order.")) yield* orderAnswer(about, answer.resource as Order, orders);
    if (action === "v1.billing.refund") {
      const { id } = answer.resource as { id: string };
      if (!payments.some(payment => payment.id === id)) yield `${about}: payment ${id} is gone`;
    }
    if (/inventory\.(receive|adjust)$/.test(action) && !stock.has((answer.resource as Movement).id))
      yield `${about}: its movement is not in the log`;
  }
};

const reachable: Readonly<Record<Order["status"], readonly Order["status"][]>> = {
  PENDING: ["CONFIRMED", "COMPLETED", "REJECTED", "CANCELLED"],
  CONFIRMED: ["CONFIRMED", "COMPLETED", "CANCELLED"],
  COMPLETED: ["COMPLETED"],
  REJECTED: ["REJECTED"],
  CANCELLED: ["CANCELLED"],
};

function* orderAnswer(about: string, answer: Order, orders: Snapshot["orders"]): Iterable<string> {
  const now = orders.find(({ id }) => id === answer.id)?.state;
  if (now === undefined) {
    yield `${about}: order ${answer.id} is gone`;
    return;
  }
  if (!reachable[answer.status].includes(now.status))
    yield `${about}: was told ${answer.status}, the order is ${now.status}`;
  for (const { id } of answer.shipments)
    if (!now.shipments.some(shipment => shipment.id === id)) yield `${about}: shipment ${id} is gone`;
  for (const { id } of answer.returns)
    if (!now.returns.some(each => each.id === id)) yield `${about}: return ${id} is gone`;
}

/** The e-mail names the wish: each is written by one client for one order. */
const oneOrderPerWish: Check = function* ({ orders }) {
  for (const [email, all] of Map.groupBy(orders, ({ state }) => state.email))
    if (all.length > 1) yield `${String(all.length)} orders for one wish of ${String(email)}`;
};

/**
 * One movement per receipt or adjustment that was asked for, one shipment per request. A refusal leaves no trace, so a
 * request that arrives again after it may still be granted.
 */
const commandsCountOnce: Check = function* ({ log, orders }, told) {
  const asked = new Set(told.map(({ command }) => `mov:${command}`));
  const made = new Set<string>();
  for (const { id, type, data } of firstOccurrences(log)) {
    if (type !== "stock.received.v1" && type !== "stock.adjusted.v1") continue;
    const movement = String(data["movementId"]);
    if (made.has(movement)) yield `${id}: ${movement} was made twice`;
    if (!asked.has(movement)) yield `${id}: nobody asked for ${movement}`;
    made.add(movement);
  }
  for (const { id, state } of orders) {
    const ships = new Set(told.filter(each => isAbout(each, "v1.order.ship", id)).map(({ key }) => key)).size;
    if (state.shipments.length > ships) yield `order ${id}: more shipments than were asked for`;
  }
};

const isAbout = ({ action, params }: Told, wanted: string, orderId: string): boolean =>
  action === wanted && (params as { id: string }).id === orderId;

const checks: readonly Check[] = [
  stockAddsUp,
  allocationsAreOrders,
  nothingIsHeldForTheEnded,
  ordersEnd,
  ledgerIsPayments,
  moneyFollowsOrders,
  ordersKnowTheirPayments,
  movementsAreProjected,
  invoicesFollowOrders,
  numbersAreGapless,
  logIsWhole,
  mailsAreOnce,
  answersStayTrue,
  oneOrderPerWish,
  commandsCountOnce,
];

/** Empty when everything holds. */
export const violations = (snapshot: Snapshot, told: readonly Told[]): string[] =>
  checks.flatMap(check => [...check(snapshot, told)]);
