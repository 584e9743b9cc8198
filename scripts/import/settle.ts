// Invoices, credit notes and stock movements follow an order on their own: waits until all are there, and adds them up.
import { setTimeout as delay } from "node:timers/promises";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Page } from "../../core/contracts/common.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import { reasonOf, ShopError, type Shop } from "./client.ts";
import { orderInvoiced } from "./outcome.ts";
import { inParallel } from "./parallel.ts";
import { counts, finalStock, placedOrders, type PlacedOrder, type StockPlan } from "./queries.ts";
import type { Replay } from "./replay.ts";

/** Without a new one for so long the rest is not coming by itself. */
const DOCUMENTS_MS = 120_000;
const STOCK_MS = 5_000;
const POLL_MS = 100;

const netOf = (documents: readonly Invoice[]): number =>
  documents.reduce((sum, { totals }) => sum + totals.net.amount, 0);

async function documentsOf(shop: Shop, orderId: string): Promise<Invoice[]> {
  const found: Invoice[] = [];
  const query = new URLSearchParams({ orderId, limit: "100" });
  for (;;) {
    const answer = await shop.ask<Page<Invoice>>(`/v1/invoices?${query.toString()}`);
    if (!answer.ok) throw new ShopError(`Invoices cannot be read: ${reasonOf(answer)}`);
    found.push(...answer.body.items);
    if (answer.body.nextCursor === null) return found;
    query.set("cursor", answer.body.nextCursor);
  }
}

/** Whether all of it was there. A return of goods that were free needs no credit note. */
async function isInvoiced({ db, shop }: Replay, { number, id, returns }: PlacedOrder): Promise<boolean> {
  const documents = await documentsOf(shop, id);
  const invoices = documents.filter(({ type }) => type === "INVOICE");
  const creditNotes = documents.filter(({ type }) => type === "CREDIT_NOTE");
  if (invoices.length === 0 || creditNotes.length < returns) return false;
  orderInvoiced(db, number, {
    invoiced: netOf(invoices),
    credited: netOf(creditNotes),
    creditNotes: creditNotes.length,
  });
  return true;
}

/** Until each item of `open` is settled or none has been for so long: then says which are left. */
async function untilSettled<T>(
  { width, progress }: Replay,
  open: readonly T[],
  settled: (item: T) => Promise<boolean>,
  { patience, signal }: { readonly patience: number; readonly signal: AbortSignal },
): Promise<T[]> {
  let left = [...open];
  for (let lastChange = performance.now(); performance.now() - lastChange < patience;) {
    const waiting: T[] = [];
    await inParallel(left, width, async item => {
      if (await settled(item)) progress.add(1);
      else waiting.push(item);
    });
    if (waiting.length === 0) return [];
    if (waiting.length < left.length) lastChange = performance.now();
    left = waiting;
    await delay(POLL_MS, undefined, { signal });
  }
  return left;
}

/** @throws ShopError when documents are missing and none has come for two minutes. */
export async function settleInvoices(context: Replay, signal: AbortSignal): Promise<void> {
  const { db, progress } = context;
  const settled = (order: PlacedOrder): Promise<boolean> => isInvoiced(context, order);
  progress.start("invoices", counts(db).placed);
  for (let open = placedOrders(db); open.length > 0; open = placedOrders(db)) {
    const left = await untilSettled(context, open, settled, { patience: DOCUMENTS_MS, signal });
    if (left.length === 0) continue;
    const numbers = left.map(({ number }) => number).join(", ");
    throw new ShopError(`Order ${numbers} has no invoice or credit note yet: run it again later`);
  }
  progress.stop();
}

/** Goods leave and come back on the books on their own as well. Where others sell at the same time it is never at rest. */
export async function settleStock(context: Replay, signal: AbortSignal): Promise<void> {
  const { db, shop, progress } = context;
  const items = finalStock(db);
  progress.start("booked", items.length);
  const booked = async ({ sku, returned }: StockPlan): Promise<boolean> => {
    const answer = await shop.ask<StockItem>(`/v1/inventory/${encodeURIComponent(sku)}`);
    if (!answer.ok) return returned === 0;
    const { onHand, reserved, allocated } = answer.body;
    return reserved === 0 && allocated === 0 && onHand >= returned;
  };
  await untilSettled(context, items, booked, { patience: STOCK_MS, signal });
  progress.stop();
}
