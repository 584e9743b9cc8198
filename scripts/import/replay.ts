// Sends the plan to the shop as a client would. Every command carries a key made of the file's own numbers: repeating or
// resuming it changes nothing that is already there.
import type { DatabaseSync } from "node:sqlite";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Order } from "../../core/contracts/order.ts";
import { reasonOf, ShopError, type Shop } from "./client.ts";
import { credited, orderPlaced, refuse } from "./outcome.ts";
import { inParallel } from "./parallel.ts";
import type { Progress } from "./progress.ts";
import {
  adjustmentAt,
  counts,
  creditLinesOf,
  creditOf,
  orderLinesOf,
  orderOf,
  steps,
  type CreditPlan,
  type LinePlan,
  type Step,
} from "./queries.ts";

export interface Replay {
  readonly db: DatabaseSync;
  readonly shop: Shop;
  readonly currency: string;
  /** Requests at a time. */
  readonly width: number;
  readonly progress: Progress;
}

/** Times ten seconds, which the server waits for each. */
const MOST_WAITS = 60;

const ofCustomer = (customer: string | null) => (customer === null ? {} : { customerId: customer });
const priced = (currency: string, { sku, quantity, price }: LinePlan) => ({
  sku,
  quantity,
  unitPrice: { amount: price, currency },
});

/** The order in its final state, or why there is none. */
async function place({ db, shop, currency }: Replay, number: string): Promise<Order | string> {
  const { customer, placedAt } = orderOf(db, number);
  const lines = orderLinesOf(db, number).map(line => priced(currency, line));
  const payment = { method: "pm_card_visa" };
  const body = { ...ofCustomer(customer), currency, lines, payment, placedAt, number };
  for (let waits = 0; waits < MOST_WAITS; waits += 1) {
    const answer = await shop.ask<Order>("/v1/orders", body, `import:order:${number}`);
    if (!answer.ok) return reasonOf(answer);
    const { status, rejection } = answer.body;
    if (status === "REJECTED") return rejection === null ? status : `${rejection.code}: ${rejection.detail}`;
    if (status !== "PENDING") return answer.body;
  }
  throw new ShopError(`Order ${number} is still PENDING after ten minutes`);
}

async function placeAndShip(replay: Replay, number: string): Promise<void> {
  const { db, shop } = replay;
  const order = await place(replay, number);
  if (typeof order === "string") {
    refuse(db, "ORDER", number, `order ${number} was refused: ${order}`);
    return;
  }
  orderPlaced(db, number, order.id);
  if (order.shipments.length > 0) return;
  const shipped = await shop.ask(`/v1/orders/${order.id}/shipments`, {}, `import:shipment:${number}`);
  if (!shipped.ok) refuse(db, "ORDER", number, `order ${number} could not be shipped: ${reasonOf(shipped)}`);
}

async function adjust({ db, shop }: Replay, { position, key }: Step): Promise<void> {
  const { invoice, sku, quantity, description } = adjustmentAt(db, position);
  const reason = `Adjustment ${invoice}${description === null ? "" : `: ${description}`}`.slice(0, 500);
  const path = `/v1/inventory/${encodeURIComponent(sku)}/adjustments`;
  const answer = await shop.ask(path, { quantity, reason }, `import:adjustment:${key}`);
  if (!answer.ok) refuse(db, "ADJUSTMENT", position, `adjustment was refused: ${reasonOf(answer)}`);
}

/** A SKU may stand on several lines of an order, at different prices: the line's id tells which. */
function returnedLines(order: Order, lines: readonly LinePlan[]) {
  return lines.map(({ sku, price, quantity }) => {
    const line = order.lines.find(candidate => candidate.sku === sku && candidate.unitPrice.amount === price);
    return { lineId: line?.id ?? sku, quantity };
  });
}

async function giveBack({ db, shop }: Replay, credit: CreditPlan): Promise<void> {
  const { document, number, orderNumber, orderId, placedAt } = credit;
  if (orderId === null) {
    refuse(db, "CREDIT", document, `its order ${String(orderNumber)} was refused`);
    return;
  }
  const path = `/v1/orders/${orderId}`;
  const order = await shop.ask<Order>(path);
  if (!order.ok) throw new ShopError(`Order ${String(orderNumber)} cannot be read: ${reasonOf(order)}`);
  const lines = returnedLines(order.body, creditLinesOf(db, document));
  const body = { lines, reason: `Cancellation ${number}`, restock: true, number, returnedAt: placedAt };
  const answer = await shop.ask(`${path}/returns`, body, `import:${document}`);
  if (!answer.ok) refuse(db, "CREDIT", document, `return was refused: ${reasonOf(answer)}`);
}

async function creditAlone({ db, shop, currency }: Replay, credit: CreditPlan): Promise<void> {
  const { document, number, restock, customer, placedAt } = credit;
  const lines = creditLinesOf(db, document).map(line => ({ ...priced(currency, line), description: line.name }));
  const reason = `Cancellation ${number}`;
  const body = { ...ofCustomer(customer), currency, lines, reason, restock: restock === 1, number, issuedAt: placedAt };
  const answer = await shop.ask<Invoice>("/v1/credit-notes", body, `import:${document}`);
  if (answer.ok) credited(db, document, answer.body.totals.net.amount);
  else refuse(db, "CREDIT", document, `credit note was refused: ${reasonOf(answer)}`);
}

/** In the order of the file. Only a return has to wait: for its own order, where that is still on its way. */
export async function replay(context: Replay): Promise<void> {
  const { db, width, progress } = context;
  const onTheirWay = new Map<string, Promise<void>>();

  async function order(number: string): Promise<void> {
    const placing = placeAndShip(context, number);
    onTheirWay.set(number, placing);
    await placing.finally(() => onTheirWay.delete(number));
  }

  async function perform(step: Step): Promise<void> {
    if (step.kind === "ORDER") await order(step.key);
    else if (step.kind === "ADJUSTMENT") await adjust(context, step);
    else if (step.kind === "CREDIT_NOTE") await creditAlone(context, creditOf(db, step.key));
    else {
      await onTheirWay.get(creditOf(db, step.key).orderNumber ?? "");
      await giveBack(context, creditOf(db, step.key));
    }
    progress.add(step.rows);
  }

  progress.start("rows", counts(db).rows);
  await inParallel(steps(db), width, perform);
  progress.stop();
}
