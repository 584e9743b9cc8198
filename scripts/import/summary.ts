// What an import leaves behind for people and scripts: the table, the JSON line, the file of refused rows.
import { createWriteStream } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import Table from "cli-table3";
import type { Totals } from "./outcome.ts";
import { fileCounts, fileSums, refusals, refusedReasons } from "./queries.ts";

export interface Summary extends Totals {
  readonly rows: number;
  readonly currency: string;
  /** Path of the file of refused rows; it has only its header when none was refused. */
  readonly report: string;
}

/** As ISO 4217 has it: 2 for GBP, 0 for JPY. @throws RangeError when that is no currency code. */
export const digitsOf = (currency: string): number =>
  new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

/** From minor units, by their digits and not by division: 18423983 is 184,239.83 GBP. */
function amount(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: digits });
  return `${format.format(`${String(minor)}E-${String(digits)}` as Intl.StringNumericLiteral)} ${currency}`;
}

/** Without colours: the table goes into files and logs as well. */
const PLAIN = { head: [], border: [] };
const count = (value: number): string => value.toLocaleString("en");
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

export async function writeReport(db: DatabaseSync, file: string): Promise<void> {
  function* lines(): Generator<string> {
    yield "line,reason,row\n";
    for (const { line, reason, raw } of refusals(db)) yield `${String(line)},${quoted(reason)},${quoted(raw)}\n`;
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
}

export function table(db: DatabaseSync, summary: Summary): string {
  const { rows, refusedRows, orders, creditNotes, adjustments, revenue, credits, currency } = summary;
  const file = { ...fileCounts(db), ...fileSums(db) };
  const main = new Table({ head: ["", "file", "shop"], colAligns: ["left", "right", "right"], style: PLAIN });
  main.push(
    ["rows", count(rows), count(rows - refusedRows)],
    ["orders", count(file.orders), count(orders)],
    ["cancellations, credit notes", count(file.cancellations), count(creditNotes)],
    ["adjustments", count(file.adjustments), count(adjustments)],
    ["revenue", amount(file.revenue, currency), amount(revenue, currency)],
    ["credits", amount(file.credits, currency), amount(credits, currency)],
  );
  if (refusedRows === 0) return main.toString();
  const refused = new Table({ head: ["refused rows", "reason"], colAligns: ["right", "left"], style: PLAIN });
  for (const { rows: refusedOfReason, reason } of refusedReasons(db)) refused.push([count(refusedOfReason), reason]);
  return `${main.toString()}\n${refused.toString()}\nline by line: ${summary.report}`;
}
