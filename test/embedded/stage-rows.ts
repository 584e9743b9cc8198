// Stages and plans a generated file of so many rows, and prints the peak of its memory in MiB.
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openings, products, steps } from "../../scripts/import/queries.ts";
import { HEADER, stagedFile } from "../support/staged.ts";

/** Orders of 20 lines; every tenth invoice is a cancellation, every customer comes back. */
async function generate(file: string, rows: number): Promise<void> {
  const stream = createWriteStream(file);
  stream.write(`${HEADER}\n`);
  for (let from = 0; from < rows; from += 20) {
    const invoice = 500_000 + from / 20;
    const cancelled = invoice % 10 === 0;
    const line = (row: number): string => {
      const sku = 10_000 + ((row * 7_919) % 4_000);
      const date = `${String(1 + (Math.floor(from / 40_000) % 28))}/12/2010`;
      return `${cancelled ? "C" : ""}${String(invoice)},${String(sku)},NAME OF ${String(sku)},${cancelled ? "-1" : "7"},${date},1.25,${String(12_000 + (invoice % 4_000))},France\n`;
    };
    const text = Array.from({ length: 20 }, (_, index) => line(from + index)).join("");
    if (!stream.write(text)) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "close");
}

const folder = mkdtempSync(join(tmpdir(), "rows-"));
try {
  const file = join(folder, "rows.csv");
  await generate(file, Number(process.argv[2]));
  const { db, rows } = await stagedFile(file);
  let read = 0;
  for (const list of [products(db), openings(db), steps(db)]) for (const item of list) read += Object.keys(item).length;
  process.stdout.write(`${JSON.stringify({ rows, read, peak: process.resourceUsage().maxRSS / 1024 })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
