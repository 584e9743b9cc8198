// A CSV text as the import stages and plans it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { plan } from "../../scripts/import/plan.ts";
import { refusals } from "../../scripts/import/queries.ts";
import { readFile } from "../../scripts/import/read.ts";
import { openStaging, stage } from "../../scripts/import/staging.ts";

export const HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const FORMAT = { dateFormats: ["d/M/yyyy H:mm", "d/M/yyyy"], digits: 2 };

export async function stagedFile(file: string, format = FORMAT): Promise<{ db: DatabaseSync; rows: number }> {
  const db = openStaging();
  const rows = await stage(db, readFile(file, format), new AbortController().signal);
  plan(db);
  return { db, rows };
}

export async function staged(content: string | Buffer, format = FORMAT): Promise<{ db: DatabaseSync; rows: number }> {
  const folder = mkdtempSync(join(tmpdir(), "import-"));
  try {
    writeFileSync(join(folder, "file.csv"), content);
    return await stagedFile(join(folder, "file.csv"), format);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file of these lines under the known header, which is line 1. */
export const lines = (...rows: readonly string[]): string => [HEADER, ...rows, ""].join("\r\n");

export const refusedLines = (db: DatabaseSync): [number, string][] =>
  [...refusals(db)].map(({ line, reason }) => [line, reason]);
