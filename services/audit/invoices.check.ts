// Invoices: one for each order that was confirmed, none for any other.
import type { InvoiceFacts, OrderFacts } from "../../core/contracts/audit.ts";
import { invoiceIdOf } from "../../core/kernel/ids.ts";
import { judgeArrival } from "./arrival.domain.ts";
import { byId, pagesOf, type Check, type CheckTools, type Round } from "./check.ts";
import { seqOf } from "./fold.domain.ts";
import { judgeInvoice, judgeOrder } from "./invoices.domain.ts";
import { partsOf, type Violation } from "./violation.ts";

type Found = Violation | null;

/** A credit note without an order has a fold of its own. */
const foldIdOf = ({ id, orderId }: InvoiceFacts): string => (orderId === null ? `invoice:${id}` : `order:${orderId}`);

class InvoicesCheck implements Check {
  readonly name = "invoices";
  readonly #tools: CheckTools;

  constructor(tools: CheckTools) {
    this.#tools = tools;
  }

  async scan(round: Round): Promise<void> {
    const { call } = this.#tools;
    for await (const orders of pagesOf(from => call("v1.order.inspect", from)))
      await round.page(await this.#judgeOrders(orders), orders.length);
    for await (const invoices of pagesOf(from => call("v1.billing.inspectInvoices", from)))
      await round.page(await this.#judgeInvoices(invoices), invoices.length);
  }

  look(subject: string): Promise<Found> {
    const [kind, id] = partsOf(subject);
    return kind === "order" ? this.#lookAtOrder(id) : this.#lookAtInvoice(id);
  }

  async #judgeOrders(orders: readonly OrderFacts[]): Promise<Found[]> {
    const { folds } = this.#tools;
    const [invoices, found] = await Promise.all([
      this.#invoicesOf(orders),
      folds.loadMany(orders.map(({ id }) => `order:${id}`)),
    ]);
    const foldOf = byId(found);
    return orders.flatMap(order => {
      const aggregate = `order:${order.id}`;
      const fold = foldOf.get(aggregate)?.state ?? null;
      return [judgeOrder(order, invoices.get(invoiceIdOf(order.id))), judgeArrival(aggregate, order, fold, null)];
    });
  }

  async #judgeInvoices(invoices: readonly InvoiceFacts[]): Promise<Found[]> {
    const [orders, found] = await Promise.all([
      this.#ordersOf(invoices),
      this.#tools.folds.loadMany([...new Set(invoices.map(foldIdOf))]),
    ]);
    const foldOf = byId(found);
    return invoices.flatMap(invoice => {
      const fold = foldOf.get(foldIdOf(invoice))?.state ?? null;
      const arrival = judgeArrival(`invoice:${invoice.id}`, invoice, fold, null);
      return [judgeInvoice(invoice, orders.get(invoice.orderId ?? "")), arrival];
    });
  }

  async #lookAtOrder(id: string): Promise<Found> {
    const [order] = (await this.#tools.call("v1.order.inspect", { ids: [id] })).items;
    const fold = (await this.#tools.folds.load(`order:${id}`))?.state ?? null;
    // Billing learns of the confirmation by the log, as the audit does.
    if (order === undefined || seqOf(fold, `order:${id}`) < order.seq) return null;
    return judgeOrder(order, (await this.#invoicesOf([order])).get(invoiceIdOf(id)));
  }

  async #lookAtInvoice(id: string): Promise<Found> {
    const [invoice] = (await this.#tools.call("v1.billing.inspectInvoices", { ids: [id] })).items;
    if (invoice === undefined) return null;
    return judgeInvoice(invoice, (await this.#ordersOf([invoice])).get(invoice.orderId ?? ""));
  }

  async #invoicesOf(orders: readonly OrderFacts[]): Promise<Map<string, InvoiceFacts>> {
    const ids = orders.map(({ id }) => invoiceIdOf(id));
    return byId((await this.#tools.call("v1.billing.inspectInvoices", { ids })).items);
  }

  async #ordersOf(invoices: readonly InvoiceFacts[]): Promise<Map<string, OrderFacts>> {
    const ids = [...new Set(invoices.flatMap(({ orderId }) => orderId ?? []))];
    return byId((await this.#tools.call("v1.order.inspect", { ids })).items);
  }
}

export const invoicesCheck = (tools: CheckTools): Check => new InvoicesCheck(tools);
