// What must agree in a shop at rest, asked over REST: orders, stock, money and invoices.
import type { Invoice, Payment } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Client } from "./client.ts";

export interface Books {
  readonly orders: readonly Order[];
  readonly invoices: readonly Invoice[];
  readonly payments: readonly Payment[];
  readonly item: StockItem;
  readonly notifications: readonly Notification[];
}

const isSold = ({ status }: Order): boolean => ["CONFIRMED", "COMPLETED"].includes(status);

/** Waits until every order has ended and its invoice is there. */
export async function settledBooks(api: Client, sku: string): Promise<Books> {
  const orders = await api.until(
    () => api.all<Order>("/v1/orders"),
    all => all.every(order => order.status !== "PENDING" && (!isSold(order) || order.invoiceId !== null)),
  );
  const notifications = await api.until(
    () => api.all<Notification>("/v1/notifications"),
    all => all.every(({ status }) => status === "DELIVERED"),
  );
  return {
    orders,
    notifications,
    invoices: await api.all<Invoice>("/v1/invoices"),
    payments: await api.all<Payment>("/v1/payments"),
    item: await api.get<StockItem>(`/v1/inventory/${encodeURIComponent(sku)}`),
  };
}

/** One sentence for each thing that does not agree. Every order is of one unit of the one SKU. */
export function disagreements({ orders, invoices, payments, item }: Books, received: number): string[] {
  const found: string[] = [];
  const say = (isWrong: boolean, sentence: string): void => {
    if (isWrong) found.push(sentence);
  };
  const sold = orders.filter(isSold);
  const ids = new Set(orders.map(({ id }) => id));
  say(item.reserved !== 0, `${String(item.reserved)} still reserved`);
  say(item.onHand !== received, `${String(item.onHand)} on hand of ${String(received)}`);
  say(item.allocated !== sold.length, `${String(item.allocated)} allocated for ${String(sold.length)} orders`);
  say(item.available !== received - sold.length, `${String(item.available)} available`);
  for (const { id } of sold) {
    const own = invoices.filter(({ orderId }) => orderId === id).length;
    say(own !== 1, `order ${id} has ${String(own)} invoices`);
    const paid = payments.filter(({ orderId, captured }) => orderId === id && captured.amount > 0).length;
    say(paid !== 1, `order ${id} is paid ${String(paid)} times`);
  }
  say(invoices.length !== sold.length, `${String(invoices.length)} invoices for ${String(sold.length)} orders`);
  for (const { orderId } of payments) say(!ids.has(orderId), `a payment for no order: ${orderId}`);
  const numbers = invoices.map(({ number }) => Number(/\d+$/.exec(number)?.[0])).sort((a, b) => a - b);
  for (const [index, number] of numbers.entries())
    say(number !== index + 1, `invoice number ${String(number)} stands where ${String(index + 1)} belongs`);
  return found;
}
