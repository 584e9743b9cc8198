// One invoice for each order that was confirmed, none for others, and numbers without a gap. Pure.
import type { InvoiceFacts, OrderFacts, SeriesFacts } from "../../core/contracts/audit.ts";
import { invoiceIdOf } from "../../core/kernel/ids.ts";
import { violation, type Violation } from "./violation.ts";

/** From the order's event until its invoice has a number, when billing is there. */
const ISSUE_MS = 20_000;

/** Only a confirmed order is completed or cancelled; an order that was not is rejected. */
const wasConfirmed = ({ status }: OrderFacts): boolean => ["CONFIRMED", "COMPLETED", "CANCELLED"].includes(status);

/** `order`: as it was before the invoice was read. */
export function judgeOrder(order: OrderFacts, invoice: InvoiceFacts | undefined): Violation | null {
  const say = (detail: string, expected: string, actual: string): Violation =>
    violation({ check: "invoices", subject: `order:${order.id}`, detail, expected, actual, graceMs: ISSUE_MS });
  const isIssued = invoice !== undefined && invoice.status !== "DRAFT";
  if (!wasConfirmed(order))
    return isIssued ? say(`The order is ${order.status}, but has an invoice`, "no invoice", invoice.number) : null;
  if (!isIssued) return say(`The order is ${order.status}, but has no invoice`, "one invoice", "none");
  if (invoice.gross === order.gross) return null;
  return say(`${invoice.number} has another total than its order`, String(order.gross), String(invoice.gross));
}

/** `order`: as it is after the invoice was read; undefined when there is none. */
export function judgeInvoice(invoice: InvoiceFacts, order: OrderFacts | undefined): Violation | null {
  const { id, orderId, number, type } = invoice;
  if (type !== "INVOICE" || orderId === null) return null;
  const say = (detail: string, expected: string): Violation =>
    violation({ check: "invoices", subject: `invoice:${id}`, detail, expected, actual: number });
  if (id !== invoiceIdOf(orderId)) return say(`A second invoice for order ${orderId}`, "one invoice");
  return order === undefined ? say(`An invoice for order ${orderId}, which does not exist`, "no invoice") : null;
}

/** The last number seen of each length, so that "…-999999" and "…-1000000" may come in the order of their texts. */
export type Reached = ReadonlyMap<number, number>;

const DIGITS = 6;

export const numberOf = (series: string, n: number): string => `${series}-${String(n).padStart(DIGITS, "0")}`;

/** Null for a number that is not written as ours are. */
function valueOf(series: string, number: string): number | null {
  const n = Number(number.slice(series.length + 1));
  return Number.isSafeInteger(n) && n > 0 && number === numberOf(series, n) ? n : null;
}

/** The first number of this many digits. */
const firstOf = (digits: number): number => (digits <= DIGITS ? 1 : 10 ** (digits - 1));

const inSeries = (series: string, about: string, detail: string, expected: string, actual: string): Violation =>
  violation({ check: "numbers", subject: `series:${series}:${about}`, detail, expected, actual });

const gap = (series: string, from: number, to: number): Violation => {
  const missing = from === to ? numberOf(series, from) : `${numberOf(series, from)} to ${numberOf(series, to)}`;
  return inSeries(
    series,
    String(from),
    `${missing} does not exist`,
    "numbers without a gap",
    `${String(to - from + 1)} missing`,
  );
};

/**
 * The next invoice in the order of the numbers. Up to `last`, which was read before them, all were given.
 * @returns where the numbers have come to, and what is wrong with this one
 */
export function judgeNumber(
  { series, last }: SeriesFacts,
  reached: Reached,
  { id, number }: Pick<InvoiceFacts, "id" | "number">,
): { reached: Reached; found: Violation | null } {
  const n = valueOf(series, number);
  if (n === null)
    return {
      reached,
      found: inSeries(series, `id:${id}`, `${id} has a number of another form`, numberOf(series, 1), number),
    };
  const digits = Math.max(DIGITS, String(n).length);
  const before = reached.get(digits) ?? firstOf(digits) - 1;
  const next = new Map(reached).set(digits, n);
  if (n === before)
    return { reached, found: inSeries(series, `twice:${String(n)}`, `${number} was given twice`, "once", id) };
  const from = before + 1;
  const found = n > from && from <= last ? gap(series, from, Math.min(n - 1, last)) : null;
  return { reached: next, found };
}

/** What is missing at the end of each length. */
export function judgeEnd({ series, last }: SeriesFacts, reached: Reached): Violation[] {
  const found: Violation[] = [];
  for (let digits = DIGITS; firstOf(digits) <= last; digits += 1) {
    const end = Math.min(last, 10 ** digits - 1);
    const at = reached.get(digits) ?? firstOf(digits) - 1;
    if (at < end) found.push(gap(series, at + 1, end));
  }
  return found;
}

/** `counter` was read after the numbers: nobody gives one beyond its flight. */
export function judgeBeyond({ series, last, inFlight }: SeriesFacts, reached: Reached): Violation | null {
  const most = Math.max(0, ...reached.values());
  if (most <= last + inFlight) return null;
  const detail = `${numberOf(series, most)} is beyond what the series has given`;
  return inSeries(series, "beyond", detail, `at most ${numberOf(series, last + inFlight)}`, numberOf(series, most));
}
