// Invoices and credit notes follow an order on their own: waits until all are there, and adds up what they say.
import { setTimeout as delay } from "node:timers/promises";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Page } from "../../core/contracts/common.ts";
import { reasonOf, ShopError, type Shop } from "./client.ts";
import { orderInvoiced } from "./outcome.ts";
import { inParallel } from "./parallel.ts";
import { counts, placedOrders, type PlacedOrder } from "./queries.ts";
import type { Replay } from "./replay.ts";

/** Without a new document for so long the rest is not coming by itself. */
const PATIENCE_MS = 120_000;
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
async function settled({ db, shop }: Replay, { number, id, returns }: PlacedOrder): Promise<boolean> {
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

/** @throws ShopError when documents are missing and none has come for two minutes. */
export async function settle(context: Replay, signal: AbortSignal): Promise<void> {
  const { db, width, progress } = context;
  let lastChange = performance.now();
  progress.start("invoices", counts(db).placed);
  for (let open = placedOrders(db); open.length > 0; open = placedOrders(db)) {
    await inParallel(open, width, async order => {
      if (!(await settled(context, order))) return;
      progress.add(1);
      lastChange = performance.now();
    });
    if (performance.now() - lastChange > PATIENCE_MS) {
      throw new ShopError(
        `Order ${open.map(({ number }) => number).join(", ")} has no invoice or credit note yet: run it again later`,
      );
    }
    await delay(POLL_MS, undefined, { signal });
  }
  progress.stop();
}
