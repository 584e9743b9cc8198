// What the staged rows mean: orders, adjustments, returns and credit notes, in the order of the file. It follows from
// the file alone, so that a repeated or resumed import plans, and keys, exactly the same.
import type { DatabaseSync } from "node:sqlite";

/** The shop takes at most so many lines per order; what is beyond becomes a second order "<number>/2". */
const MAX_LINES = 1000;

const INDEXES = `
  CREATE INDEX rowsByInvoice ON rows (invoice, line);
  CREATE INDEX rowsBySku ON rows (sku, line);
`;

/** An invoice has one customer: the first that its rows name. */
const CUSTOMERS = `
  CREATE TABLE invoices (invoice TEXT PRIMARY KEY, customer TEXT, customerLine INTEGER) STRICT;
  INSERT INTO invoices
    SELECT invoice, customer, min(line) FROM rows WHERE customer IS NOT NULL GROUP BY invoice;
  INSERT INTO refused
    SELECT line, 'other customer: invoice ' || invoice || ' is of customer ' || invoices.customer || ' since line ' || customerLine, raw
    FROM rows JOIN invoices USING (invoice) WHERE rows.customer <> invoices.customer;
  DELETE FROM rows WHERE line IN (SELECT line FROM refused);
`;

/** SQLite takes the other columns from the row of min(line) (sqlite.org/lang_select.html, bare columns). */
const ORDERS = `
  CREATE TABLE orderLines (
    number TEXT NOT NULL, invoice TEXT NOT NULL, sku TEXT NOT NULL, price INTEGER NOT NULL, quantity INTEGER NOT NULL,
    line INTEGER NOT NULL, placedAt TEXT NOT NULL, rows INTEGER NOT NULL, customer TEXT, returned INTEGER NOT NULL
  ) STRICT;
  WITH grouped AS (
    SELECT invoice, sku, price, sum(quantity) AS quantity, min(line) AS line, placedAt, count(*) AS rows
    FROM rows WHERE kind = 'SALE' GROUP BY invoice, sku, price
  ), numbered AS (
    SELECT *, 1 + (row_number() OVER (PARTITION BY invoice ORDER BY line) - 1) / ${String(MAX_LINES)} AS part FROM grouped
  )
  INSERT INTO orderLines
    SELECT CASE part WHEN 1 THEN invoice ELSE invoice || '/' || part END,
      invoice, sku, price, quantity, line, placedAt, rows, customer, 0
    FROM numbered LEFT JOIN invoices USING (invoice);
  CREATE INDEX orderLinesByNumber ON orderLines (number, line);
  CREATE INDEX orderLinesBySku ON orderLines (sku);
  CREATE INDEX orderLinesByCustomer ON orderLines (customer, sku, price);
  CREATE TABLE orders (
    number TEXT PRIMARY KEY, customer TEXT, position INTEGER NOT NULL, placedAt TEXT NOT NULL, rows INTEGER NOT NULL,
    id TEXT, invoiced INTEGER, credited INTEGER, creditNotes INTEGER
  ) STRICT;
  INSERT INTO orders
    SELECT number, customer, min(line), placedAt, sum(rows), NULL, NULL, NULL, NULL
    FROM orderLines GROUP BY number;
`;

/**
 * Of a cancellation that has no order: goods go back on the shelf. Goods is what the file sells somewhere, or what has
 * a product's code (UCI: "StockCode: a 5-digit integral number uniquely assigned to each distinct product").
 */
const CREDITS = `
  CREATE TABLE creditLines (line INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;
  CREATE INDEX creditLinesByDocument ON creditLines (document);
  CREATE TABLE credits (
    document TEXT PRIMARY KEY, number TEXT NOT NULL, orderNumber TEXT, restock INTEGER NOT NULL,
    position INTEGER NOT NULL, placedAt TEXT NOT NULL, customer TEXT, amount INTEGER NOT NULL, rows INTEGER NOT NULL,
    credited INTEGER
  ) STRICT;
  CREATE INDEX creditsByOrder ON credits (orderNumber);
`;
const CREDIT_ROWS = `
  SELECT line, invoice, sku, price, quantity, invoices.customer AS customer,
    sku GLOB '[0-9][0-9][0-9][0-9][0-9]*' OR EXISTS (SELECT 1 FROM orderLines WHERE orderLines.sku = rows.sku) AS goods
  FROM rows LEFT JOIN invoices USING (invoice) WHERE kind = 'CREDIT' ORDER BY line
`;
const EARLIER_ORDER = `
  SELECT orderLines.rowid AS id, number FROM orderLines JOIN orders USING (number)
  WHERE sku = ? AND price = ? AND orderLines.customer = ? AND position < ? AND quantity - returned >= ?
  ORDER BY position DESC LIMIT 1
`;
const CREDIT_DOCUMENTS = `
  INSERT INTO credits
    SELECT document, invoice, CASE WHEN document LIKE 'return:%' THEN substr(document, length('return:' || invoice) + 2) END,
      document NOT LIKE '%:other', max(line), placedAt, invoices.customer, sum(price * quantity), count(*), NULL
    FROM creditLines JOIN rows USING (line) LEFT JOIN invoices USING (invoice) GROUP BY document;
`;

/** One entry per thing to do, at the line from which on it can be done: an order at its first, a credit at its last. */
const STEPS = `
  CREATE TABLE steps (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, rows INTEGER NOT NULL) STRICT;
  INSERT INTO steps SELECT position, 'ORDER', number, rows FROM orders;
  INSERT INTO steps
    SELECT line, 'ADJUSTMENT', invoice || ':' || row_number() OVER (PARTITION BY invoice ORDER BY line), 1
    FROM rows WHERE kind = 'ADJUSTMENT';
  INSERT INTO steps SELECT position, iif(orderNumber IS NULL, 'CREDIT_NOTE', 'RETURN'), document, rows FROM credits;
`;

interface CreditRow {
  readonly line: number;
  readonly invoice: string;
  readonly sku: string;
  readonly price: number;
  readonly quantity: number;
  readonly customer: string | null;
  readonly goods: number;
}

/** Each cancelled row goes to its customer's latest earlier order that has the SKU at that price with enough left. */
function matchCredits(db: DatabaseSync): void {
  const earlier = db.prepare(EARLIER_ORDER);
  const take = db.prepare("UPDATE orderLines SET returned = returned + ? WHERE rowid = ?");
  const assign = db.prepare("INSERT INTO creditLines VALUES (?, ?)");
  for (const row of db.prepare(CREDIT_ROWS).iterate() as Iterable<unknown> as Iterable<CreditRow>) {
    const { line, invoice, sku, price, quantity } = row;
    const found = earlier.get(sku, price, row.customer, line, quantity) as { id: number; number: string } | undefined;
    if (found === undefined) {
      assign.run(line, `credit:${invoice}:${row.goods === 1 ? "goods" : "other"}`);
    } else {
      take.run(quantity, found.id);
      assign.run(line, `return:${invoice}:${found.number}`);
    }
  }
}

/** Adds to the staged rows the tables that replaying reads. */
export function plan(db: DatabaseSync): void {
  db.exec(`${INDEXES} ${CUSTOMERS} ${ORDERS} ${CREDITS}`);
  db.exec("BEGIN");
  matchCredits(db);
  db.exec("COMMIT");
  db.exec(`${CREDIT_DOCUMENTS} ${STEPS}`);
}
