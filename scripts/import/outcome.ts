// What became of the plan: written beside it, so that it does not grow in memory either.
import type { DatabaseSync } from "node:sqlite";

const ROWS_OF = {
  ORDER: `
    SELECT rows.line AS line, raw FROM orderLines JOIN rows USING (invoice, sku, price)
    WHERE number = ? AND kind = 'SALE'`,
  ADJUSTMENT: "SELECT line, raw FROM rows WHERE line = ?",
  CREDIT: "SELECT line, raw FROM creditLines JOIN rows USING (line) WHERE document = ?",
} as const;

/** Refuses all rows of an order, an adjustment (by its line) or a credit document. */
export function refuse(db: DatabaseSync, of: keyof typeof ROWS_OF, key: string | number, reason: string): void {
  db.prepare(`INSERT OR IGNORE INTO refused SELECT line, ?, raw FROM (${ROWS_OF[of]})`).run(reason, key);
}

export const orderPlaced = (db: DatabaseSync, number: string, id: string): void =>
  void db.prepare("UPDATE orders SET id = ? WHERE number = ?").run(id, number);

export const orderInvoiced = (
  db: DatabaseSync,
  number: string,
  sums: { readonly invoiced: number; readonly credited: number; readonly creditNotes: number },
): void =>
  void db
    .prepare("UPDATE orders SET invoiced = ?, credited = ?, creditNotes = ? WHERE number = ?")
    .run(sums.invoiced, sums.credited, sums.creditNotes, number);

export const credited = (db: DatabaseSync, document: string, amount: number): void =>
  void db.prepare("UPDATE credits SET credited = ? WHERE document = ?").run(amount, document);

export interface Totals {
  readonly orders: number;
  readonly creditNotes: number;
  readonly adjustments: number;
  readonly refusedRows: number;
  readonly revenue: number;
  /** ≤ 0. */
  readonly credits: number;
}

/** Money as the shop's invoices and credit notes have it, in minor units. */
const TOTALS = `
  WITH ofOrders AS (
    SELECT count(id) AS orders, coalesce(sum(invoiced), 0) AS revenue, coalesce(sum(credited), 0) AS credits,
      coalesce(sum(creditNotes), 0) AS creditNotes
    FROM orders
  ), alone AS (
    SELECT count(credited) AS creditNotes, coalesce(sum(credited), 0) AS credits FROM credits WHERE orderNumber IS NULL
  )
  SELECT orders, ofOrders.creditNotes + alone.creditNotes AS creditNotes,
    (SELECT count(*) FROM rows WHERE kind = 'ADJUSTMENT' AND line NOT IN (SELECT line FROM refused)) AS adjustments,
    (SELECT count(*) FROM refused) AS refusedRows,
    revenue, 0 - ofOrders.credits - alone.credits AS credits
  FROM ofOrders, alone
`;
export const totals = (db: DatabaseSync): Totals => db.prepare(TOTALS).get() as unknown as Totals;
