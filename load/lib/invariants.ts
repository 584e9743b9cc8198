// What must hold after a run, as data: no k6 in here, so that the tests of the shop run it too.
import type { Invoice } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Order } from "../../core/contracts/order.ts";

export interface Books {
  /** Those of the run. */
  readonly orders: readonly Pick<Order, "id" | "email" | "status" | "paymentStatus" | "lines" | "totals">[];
  /** Of the run's orders. */
  readonly invoices: readonly Pick<Invoice, "orderId" | "type" | "totals">[];
  readonly before: Readonly<Record<string, StockItem>>;
  readonly after: Readonly<Record<string, StockItem>>;
}

const unitsSold = (orders: Books["orders"]): Map<string, number> => {
  const units = new Map<string, number>();
  const lines = orders.filter(({ status }) => status === "CONFIRMED").flatMap(order => order.lines);
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return units;
};

function* ofOrders({ orders }: Books): Generator<string> {
  const wishes = new Map<string | null, string>();
  for (const { id, email, status, paymentStatus } of orders) {
    if (status !== "CONFIRMED" && status !== "REJECTED") yield `order ${id} is ${status} and should have ended`;
    if (status === "CONFIRMED" && paymentStatus !== "CAPTURED") yield `order ${id} is CONFIRMED and ${paymentStatus}`;
    const other = wishes.get(email);
    if (other !== undefined) yield `orders ${other} and ${id} are for one wish, of ${String(email)}`;
    wishes.set(email, id);
  }
}

function* ofInvoices({ orders, invoices }: Books): Generator<string> {
  const gross = new Map<string | null, number[]>();
  for (const { orderId, type, totals } of invoices)
    if (type === "INVOICE") gross.set(orderId, [...(gross.get(orderId) ?? []), totals.gross.amount]);
  for (const { id, status, totals } of orders) {
    const own = gross.get(id) ?? [];
    const wanted = status === "CONFIRMED" ? 1 : 0;
    if (own.length !== wanted) yield `order ${id} is ${status} and has ${String(own.length)} invoices`;
    else if (wanted === 1 && own[0] !== totals.gross.amount)
      yield `order ${id}: its invoice is over ${String(own[0])}, the order over ${String(totals.gross.amount)}`;
  }
}

function* ofStock({ orders, before, after }: Books): Generator<string> {
  const sold = unitsSold(orders);
  for (const [sku, { onHand, reserved, allocated, available }] of Object.entries(after)) {
    const was = before[sku];
    const units = sold.get(sku) ?? 0;
    const grown = allocated - (was?.allocated ?? 0);
    if (available < 0 || units > (was?.available ?? 0))
      yield `${sku}: oversold: ${String(units)} sold of ${String(was?.available ?? 0)}, ${String(available)} left`;
    if (onHand !== available + reserved + allocated)
      yield `${sku}: ${String(onHand)} on hand are not ${String(available)} + ${String(reserved)} + ${String(allocated)}`;
    if (reserved !== 0) yield `${sku}: ${String(reserved)} still reserved`;
    if (grown !== units) yield `${sku}: ${String(grown)} allocated by this run, its orders need ${String(units)}`;
  }
}

/** One sentence for each broken promise; empty when everything holds. */
export const violations = (books: Books): string[] => [...ofOrders(books), ...ofInvoices(books), ...ofStock(books)];
