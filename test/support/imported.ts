// What the sample must be in the shop, read from the file without the importer.
import { expect } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Client } from "./client.ts";
import { ROOT } from "./shop-process.ts";

export const SAMPLE = join(ROOT, "data/online-retail-10k.csv");
/** The importer's summary of it. */
export const EXPECTED = {
  rows: 9_999,
  orders: 439,
  creditNotes: 45,
  adjustments: 30,
  refusedRows: 0,
  revenue: 18_423_983,
  credits: -358_058,
  currency: "GBP",
};

interface Sold {
  readonly invoice: string;
  readonly sku: string;
  readonly quantity: number;
}
/** The file read without the importer. No field before the quantity but the description holds a comma. */
const rowsOf = (file: string): Sold[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\r\n")
    .slice(1)
    .map(line => {
      const [invoice = "", sku = ""] = line.split(",");
      return { invoice, sku, quantity: Number(line.split(",").at(-5)) };
    });

/** opening + adjustments − sales = 0, so that what is on hand is what came back; a discount is no goods. */
export function expectedStock(file: string): Map<string, number> {
  const onHand = new Map<string, number>();
  for (const { invoice, sku, quantity } of rowsOf(file)) {
    const back = invoice.startsWith("C") && sku !== "D" ? -quantity : 0;
    onHand.set(sku, (onHand.get(sku) ?? 0) + back);
  }
  return onHand;
}

export async function stockOf(api: Client, skus: Iterable<string>): Promise<StockItem[]> {
  const items: StockItem[] = [];
  for (const sku of skus) items.push(await api.get<StockItem>(`/v1/inventory/${encodeURIComponent(sku)}`));
  return items;
}

/** Every order with its invoice, and the stock of every SKU. */
export async function isWhole(api: Client, file: string): Promise<void> {
  const stock = expectedStock(file);
  for (const item of await stockOf(api, stock.keys())) {
    expect(item).toMatchObject({ onHand: stock.get(item.sku), reserved: 0, allocated: 0 });
  }
  const orders = await api.all<Order>("/v1/orders");
  const invoices = (await api.all<Invoice>("/v1/invoices")).filter(({ type }) => type === "INVOICE");
  expect(orders.map(({ number }) => number).sort()).toEqual(
    [
      ...new Set(
        rowsOf(file)
          .filter(row => !row.invoice.startsWith("C") && row.quantity > 0)
          .map(row => row.invoice),
      ),
    ].sort(),
  );
  expect(invoices.map(({ orderId }) => orderId).sort()).toEqual(orders.map(({ id }) => id).sort());
}

/** Of all invoices, and of all credit notes, in minor units. */
export async function sumsOf(api: Client): Promise<[number, number]> {
  const documents = await api.all<Invoice>("/v1/invoices");
  const sum = (type: Invoice["type"]): number =>
    documents.filter(document => document.type === type).reduce((total, { totals }) => total + totals.gross.amount, 0);
  return [sum("INVOICE"), sum("CREDIT_NOTE")];
}
