// One record of the file as a row of the shop's books, or the reason why not.
import { DateTime } from "luxon";
import type { Column, Header } from "./columns.ts";
import { isGarbled } from "./encoding.ts";
import type { CsvRecord } from "./records.ts";

export type RowKind = "SALE" | "CREDIT" | "ADJUSTMENT";

export interface Row {
  readonly line: number;
  readonly raw: string;
  readonly kind: RowKind;
  readonly invoice: string;
  readonly sku: string;
  readonly description: string | null;
  /** Of a sale and a credit positive, of an adjustment negative. */
  readonly quantity: number;
  /** RFC 3339; the file names no zone, UTC is taken. */
  readonly placedAt: string;
  /** Minor units. */
  readonly price: number;
  readonly customer: string | null;
  readonly country: string | null;
}

export interface Refused {
  readonly line: number;
  readonly raw: string;
  readonly reason: string;
  /** The header line is refused without being a row. */
  readonly header?: true;
}

export interface Format {
  /** Luxon tokens; the first that fits is taken. */
  readonly dateFormats: readonly string[];
  /** Digits of the currency's minor unit. */
  readonly digits: number;
}

/** A reason to refuse, thrown inside this file only: it saves every field a check of its own at the caller. */
class Unreadable extends Error {}

const MAX_QUANTITY = 1_000_000;
const MAX_PRICE = 9_000_000_000;
const SKU = /^[^\p{C}\s]([^\p{C}]*[^\p{C}\s])?$/u;
const VISIBLE = /^[!-~]+$/;

function quantityOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Unreadable(`bad number: Quantity "${text}" is not a whole number`);
  const quantity = Number(text);
  if (quantity === 0) throw new Unreadable("bad number: Quantity is 0");
  if (Math.abs(quantity) > MAX_QUANTITY) {
    throw new Unreadable(`bad number: Quantity ${text} is beyond ${String(MAX_QUANTITY)}`);
  }
  return quantity;
}

/** Digits are moved, not multiplied: 1.15 * 100 is not 115. */
function priceOf(text: string, digits: number): number {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new Unreadable(`bad number: UnitPrice "${text}" is not a decimal number`);
  const [, sign, whole = "", decimals = ""] = match;
  const minor = decimals.replace(/0+$/, "").padEnd(digits, "0");
  if (minor.length > digits) {
    throw new Unreadable(`bad number: UnitPrice ${text} has more than ${String(digits)} decimals`);
  }
  const price = Number(whole + minor);
  if (sign === "-" && price > 0) throw new Unreadable(`negative price: UnitPrice ${text}`);
  if (price > MAX_PRICE) throw new Unreadable(`bad number: UnitPrice ${text} is too large`);
  return price;
}

function dateReader(formats: readonly string[]): (text: string) => string {
  // Files come sorted by date, so that the last answer is mostly the next one.
  let last = { text: "", iso: "" };
  return text => {
    if (text === last.text && text !== "") return last.iso;
    for (const format of formats) {
      const iso = DateTime.fromFormat(text, format, { zone: "utc", locale: "en" }).toISO({
        suppressMilliseconds: true,
      });
      if (iso === null) continue;
      last = { text, iso };
      return iso;
    }
    throw new Unreadable(`bad date: InvoiceDate "${text}" is not ${formats.join(" or ")}`);
  };
}

function matching(name: Column, text: string, pattern: RegExp, max: number): string {
  if (text === "") throw new Unreadable(`${name} is empty`);
  if (!pattern.test(text) || text.length > max) throw new Unreadable(`bad ${name}: "${text}"`);
  return text;
}

function kindOf(invoice: string, quantity: number): RowKind {
  if (!invoice.startsWith("C")) return quantity < 0 ? "ADJUSTMENT" : "SALE";
  if (quantity > 0)
    throw new Unreadable(`bad number: Quantity ${String(quantity)} of cancellation ${invoice} is not negative`);
  return "CREDIT";
}

function cellsOf({ raw, cells }: CsvRecord, header: Header): readonly string[] {
  if (isGarbled(raw)) throw new Unreadable("wrong encoding: characters that are no text");
  if (cells === null) throw new Unreadable("broken quotes");
  if (header.missing.length > 0)
    throw new Unreadable(`missing column ${header.missing.join(", ")}: see the header line`);
  if (cells.length < header.width) {
    throw new Unreadable(`missing column: ${String(cells.length)} of ${String(header.width)}`);
  }
  if (cells.length > header.width) {
    throw new Unreadable(`too many columns: ${String(cells.length)} instead of ${String(header.width)}`);
  }
  return cells;
}

export function rowReader(header: Header, { dateFormats, digits }: Format): (record: CsvRecord) => Row | Refused {
  const dateOf = dateReader(dateFormats);

  function read(record: CsvRecord): Row {
    const cells = cellsOf(record, header);
    const cell = (name: Column): string => cells[header.index.get(name) ?? -1]?.trim() ?? "";
    const optional = (name: Column, pattern: RegExp, max: number): string | null =>
      cell(name) === "" ? null : matching(name, cell(name), pattern, max);
    const invoice = matching("InvoiceNo", cell("InvoiceNo"), VISIBLE, 56);
    const quantity = quantityOf(cell("Quantity"));
    const kind = kindOf(invoice, quantity);
    return {
      line: record.line,
      raw: record.raw,
      kind,
      invoice,
      sku: matching("StockCode", cell("StockCode"), SKU, 64),
      description: cell("Description").replaceAll(/[\t\r\n]+/g, " ") || null,
      quantity: kind === "CREDIT" ? -quantity : quantity,
      placedAt: dateOf(cell("InvoiceDate")),
      price: priceOf(cell("UnitPrice"), digits),
      customer: optional("CustomerID", VISIBLE, 128),
      country: optional("Country", /./, 100),
    };
  }

  return record => {
    try {
      return read(record);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { line: record.line, raw: record.raw, reason: error.message };
    }
  };
}

export const isRefused = (row: Row | Refused): row is Refused => "reason" in row;
