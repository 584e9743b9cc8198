// npm run import -- FILE.csv: replays UCI Online Retail through the REST API of a running shop.
import { access } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { ConfigError, loadImportConfig } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { connect, INTERRUPTED, interruptible, shopUrl } from "../support/administrator.ts";
import { ShopError } from "./client.ts";
import { totals } from "./outcome.ts";
import { plan } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { progressBar } from "./progress.ts";
import { readFile } from "./read.ts";
import { replay } from "./replay.ts";
import { settleInvoices, settleStock } from "./settle.ts";
import { openStaging, stage } from "./staging.ts";
import { digitsOf, table, writeReport } from "./summary.ts";

interface Options {
  readonly url?: string;
  readonly dateFormat?: string;
  readonly report?: string;
  readonly currency: string;
}

/** Requests at a time: enough to fill the shop's group commits, few enough that none waits long. */
const WIDTH = 16;
const DATE_FORMATS = ["d/M/yyyy H:mm", "d/M/yyyy"];

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function currency(text: string): string {
  if (!/^[A-Z]{3}$/.test(text)) throw new InvalidArgumentError("It must be a code of ISO 4217, such as GBP.");
  return text;
}

async function importFile(file: string, options: Options, signal: AbortSignal): Promise<void> {
  await access(file).catch(() => {
    throw new StartupError(`${file} cannot be read`);
  });
  const shop = await connect(loadImportConfig(), { url: options.url, connections: WIDTH, signal });
  const db = openStaging();
  const dateFormats = options.dateFormat === undefined ? DATE_FORMATS : [options.dateFormat];
  const report = resolve(options.report ?? `${basename(file)}.refused.csv`);
  const progress = progressBar();
  try {
    const rows = await stage(db, readFile(file, { dateFormats, digits: digitsOf(options.currency) }), signal);
    plan(db);
    const context = { db, shop, currency: options.currency, width: WIDTH, progress };
    await prepare(context);
    await replay(context);
    await settleInvoices(context, signal);
    await settleStock(context, signal);
    const summary = { rows, ...totals(db), currency: options.currency, report };
    process.stdout.write(`${table(db, summary)}\n${JSON.stringify(summary)}\n`);
  } finally {
    progress.stop();
    await writeReport(db, report);
    await shop.close();
    db.close();
  }
}

async function run(file: string, options: Options): Promise<void> {
  const { signal } = interruptible();
  try {
    await importFile(file, options, signal);
  } catch (error) {
    if (signal.aborted) {
      say("import: stopped. Run the same command again: it goes on where it stopped and does nothing twice.");
      process.exitCode = INTERRUPTED;
      return;
    }
    if (!(error instanceof ShopError || error instanceof StartupError || error instanceof ConfigError)) throw error;
    say(`import: ${error.message}`);
    process.exitCode = 1;
  }
}

await new Command("import")
  .description("Replays UCI Online Retail through the REST API of a running shop.")
  .argument("<file>", "CSV: InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country")
  .option("--url <url>", "where the shop is (default: COMPTOIR_PORT on this host)", shopUrl)
  .option("--date-format <format>", `Luxon tokens (default: ${DATE_FORMATS.join(" or ")})`)
  .option("--report <file>", "where refused rows go (default: FILE.refused.csv in this folder)")
  .option("--currency <code>", "of all prices", currency, "GBP")
  .action(run)
  .parseAsync();
