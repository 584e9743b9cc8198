// What replaying asks of the plan.
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

export interface ProductPlan {
  readonly sku: string;
  readonly name: string;
  readonly price: number;
}
export interface CustomerPlan {
  readonly id: string;
  readonly country: string | null;
}
export interface OpeningPlan {
  readonly sku: string;
  readonly quantity: number;
  /** Names the SKU and the rows that the quantity comes from. */
  readonly digest: string;
}
export interface Step {
  readonly position: number;
  readonly kind: "ORDER" | "ADJUSTMENT" | "RETURN" | "CREDIT_NOTE";
  readonly key: string;
  readonly rows: number;
}
export interface OrderPlan {
  readonly number: string;
  readonly customer: string | null;
  readonly placedAt: string;
}
export interface LinePlan {
  readonly sku: string;
  readonly price: number;
  readonly quantity: number;
}
export interface CreditLinePlan extends LinePlan {
  readonly name: string;
}
export interface PlacedOrder {
  readonly number: string;
  readonly id: string;
  /** How many credit notes its returns will bring. */
  readonly returns: number;
}
export interface StockPlan {
  readonly sku: string;
  /** What cancellations put back on the shelf: so much is there at least once all is booked. */
  readonly returned: number;
}
export interface AdjustmentPlan {
  readonly invoice: string;
  readonly sku: string;
  readonly quantity: number;
  readonly description: string | null;
}
export interface CreditPlan {
  readonly document: string;
  readonly number: string;
  readonly orderNumber: string | null;
  readonly orderId: string | null;
  readonly restock: number;
  readonly placedAt: string;
  readonly customer: string | null;
}
export interface Counts {
  readonly products: number;
  readonly customers: number;
  readonly openings: number;
  readonly rows: number;
  readonly placed: number;
}
export interface FileCounts {
  readonly orders: number;
  readonly cancellations: number;
  readonly adjustments: number;
}
export interface Refusal {
  readonly line: number;
  readonly reason: string;
  readonly raw: string;
}
export interface Sums {
  readonly revenue: number;
  readonly credits: number;
}

/** The description and the price seen most often, the earlier one first; a SKU without any is named by its code. */
const PRODUCTS = `
  WITH names AS (
    SELECT sku, description,
      row_number() OVER (PARTITION BY sku ORDER BY sum(kind <> 'ADJUSTMENT') DESC, min(line)) AS rank
    FROM rows WHERE description IS NOT NULL GROUP BY sku, description
  ), prices AS (
    SELECT sku, price, row_number() OVER (PARTITION BY sku ORDER BY sum(kind = 'SALE') DESC, min(line)) AS rank
    FROM rows WHERE price > 0 GROUP BY sku, price
  )
  SELECT skus.sku AS sku, substr(coalesce(description, skus.sku), 1, 200) AS name, coalesce(price, 0) AS price
  FROM (SELECT sku, min(line) AS line FROM rows GROUP BY sku) AS skus
    LEFT JOIN names ON names.sku = skus.sku AND names.rank = 1
    LEFT JOIN prices ON prices.sku = skus.sku AND prices.rank = 1
  ORDER BY skus.line
`;
const CUSTOMERS = `
  SELECT customer AS id, country, min(line) FROM rows WHERE customer IS NOT NULL GROUP BY customer ORDER BY min(line)
`;
const STOCK_ROWS = `
  SELECT sku, invoice, CASE kind WHEN 'SALE' THEN quantity ELSE 0 - quantity END AS quantity
  FROM rows WHERE kind <> 'CREDIT' ORDER BY sku, line
`;
const STEPS = "SELECT * FROM steps WHERE position > ? ORDER BY position LIMIT 200";
const ADJUSTMENT = "SELECT invoice, sku, quantity, description FROM rows WHERE line = ?";
const ORDER = "SELECT number, customer, placedAt FROM orders WHERE number = ?";
const ORDER_LINES = "SELECT sku, price, quantity FROM orderLines WHERE number = ? ORDER BY line";
const CREDIT = `
  SELECT document, credits.number AS number, orderNumber, orders.id AS orderId, restock, credits.placedAt AS placedAt,
    credits.customer AS customer
  FROM credits LEFT JOIN orders ON orders.number = orderNumber WHERE document = ?
`;
const CREDIT_LINES = `
  SELECT sku, price, sum(quantity) AS quantity, substr(coalesce(description, sku), 1, 200) AS name, min(line)
  FROM creditLines JOIN rows USING (line) WHERE document = ? GROUP BY sku, price ORDER BY min(line)
`;
/** In bounded portions: who has all its documents is not asked again. */
const PLACED = `
  SELECT number, id, (
    SELECT count(*) FROM credits WHERE orderNumber = orders.number AND amount > 0
      AND document NOT IN (SELECT document FROM creditLines JOIN refused USING (line))
  ) AS returns
  FROM orders WHERE id IS NOT NULL AND invoiced IS NULL ORDER BY position LIMIT 500
`;
const RETURNED = `
  SELECT rows.sku AS sku, sum(iif(restock = 1, quantity, 0)) AS returned
  FROM rows LEFT JOIN creditLines USING (line) LEFT JOIN credits USING (document)
  WHERE line NOT IN (SELECT line FROM refused) GROUP BY rows.sku
`;
const COUNTS = `
  SELECT (SELECT count(DISTINCT sku) FROM rows) AS products,
    (SELECT count(DISTINCT customer) FROM rows) AS customers,
    (SELECT count(DISTINCT sku) FROM rows WHERE kind <> 'CREDIT') AS openings,
    (SELECT count(*) FROM rows) AS rows, (SELECT count(*) FROM orders WHERE id IS NOT NULL) AS placed
`;
const SUMS = `
  SELECT coalesce(sum(iif(kind = 'SALE', price * quantity, 0)), 0) AS revenue,
    0 - coalesce(sum(iif(kind = 'CREDIT', price * quantity, 0)), 0) AS credits
  FROM rows
`;

const FILE_COUNTS = `
  SELECT count(DISTINCT iif(kind = 'SALE', invoice, NULL)) AS orders,
    count(DISTINCT iif(kind = 'CREDIT', invoice, NULL)) AS cancellations,
    count(iif(kind = 'ADJUSTMENT', 1, NULL)) AS adjustments
  FROM rows
`;
const REFUSALS = "SELECT line, reason, raw FROM refused ORDER BY line";
/** A reason begins with its kind. */
const REASONS = `
  SELECT count(*) AS rows, substr(reason, 1, instr(reason || ':', ':') - 1) AS reason
  FROM refused GROUP BY 2 ORDER BY 1 DESC LIMIT 20
`;

/** The columns of a statement are its caller's promise: SQLite does not type them. */
const iterate = <T>(db: DatabaseSync, sql: string): Iterable<T> =>
  db.prepare(sql).iterate() as Iterable<unknown> as Iterable<T>;
const all = <T>(db: DatabaseSync, sql: string, ...params: string[]): T[] =>
  db.prepare(sql).all(...params) as unknown[] as T[];
function one(db: DatabaseSync, sql: string, ...params: (string | number)[]): unknown {
  const row = db.prepare(sql).get(...params);
  if (row === undefined) throw new Error(`Not in the plan: ${String(params[0])}`);
  return row;
}

export const products = (db: DatabaseSync): Iterable<ProductPlan> => iterate(db, PRODUCTS);
export const customers = (db: DatabaseSync): Iterable<CustomerPlan> => iterate(db, CUSTOMERS);
export const orderOf = (db: DatabaseSync, number: string): OrderPlan => one(db, ORDER, number) as OrderPlan;
export const orderLinesOf = (db: DatabaseSync, number: string): LinePlan[] => all(db, ORDER_LINES, number);
export const adjustmentAt = (db: DatabaseSync, line: number): AdjustmentPlan =>
  one(db, ADJUSTMENT, line) as AdjustmentPlan;
export const creditOf = (db: DatabaseSync, document: string): CreditPlan => one(db, CREDIT, document) as CreditPlan;
export const creditLinesOf = (db: DatabaseSync, document: string): CreditLinePlan[] => all(db, CREDIT_LINES, document);
export const finalStock = (db: DatabaseSync): StockPlan[] => all(db, RETURNED);
export const placedOrders = (db: DatabaseSync): PlacedOrder[] => all(db, PLACED);
export const counts = (db: DatabaseSync): Counts => one(db, COUNTS) as Counts;
export const fileCounts = (db: DatabaseSync): FileCounts => one(db, FILE_COUNTS) as FileCounts;
export const refusals = (db: DatabaseSync): Iterable<Refusal> => iterate(db, REFUSALS);
export const refusedReasons = (db: DatabaseSync): { rows: number; reason: string }[] => all(db, REASONS);
export const fileSums = (db: DatabaseSync): Sums => one(db, SUMS) as Sums;

/** Page by page, so that other statements may write between two steps. */
export function* steps(db: DatabaseSync): Generator<Step> {
  const next = db.prepare(STEPS);
  for (let position = 0; ;) {
    const page = next.all(position) as unknown[] as Step[];
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    position = last.position;
  }
}

/** opening stock = what the file sells − its adjustments (which are negative): enough at every moment of the replay. */
export function* openings(db: DatabaseSync): Generator<OpeningPlan> {
  let sku: string | null = null;
  let quantity = 0;
  let hash = createHash("sha256");
  const done = (): OpeningPlan[] =>
    sku === null ? [] : [{ sku, quantity, digest: hash.digest("base64url").slice(0, 22) }];
  for (const row of iterate<{ sku: string; invoice: string; quantity: number }>(db, STOCK_ROWS)) {
    if (row.sku !== sku) {
      yield* done();
      [sku, quantity, hash] = [row.sku, 0, createHash("sha256").update(`${row.sku}\n`)];
    }
    quantity += row.quantity;
    hash.update(`${row.invoice} ${String(row.quantity)}\n`);
  }
  yield* done();
}
