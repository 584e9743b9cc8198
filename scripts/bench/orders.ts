// npm run bench:orders: one-line orders through REST into a real shop, and proof that each is confirmed, invoiced and told.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { startShop } from "../support/shop.ts";
import { load, settle, stockUp, type Measured, type Run } from "./order-load.ts";
import { sharesOf } from "./profile.ts";

const options = new Command("bench:orders")
  .description("One-line orders through REST, spread over many SKUs and then all on one (a flash sale)")
  .option("--seconds <n>", "length of each run", Number, 30)
  .option("--clients <n>", "concurrent clients", Number, 16)
  .option("--skus <n>", "SKUs of the spread run", Number, 1000)
  .option("--min <n>", "exit 1 below this many orders/s", Number, 0)
  .option("--no-profile", "without the share of time by part (profiling costs a few percent)")
  .parse()
  .opts<{ seconds: number; clients: number; skus: number; min: number; profile: boolean }>();

async function measure(run: Run): Promise<{ measured: Measured; shares: Map<string, number> }> {
  const profiles = mkdtempSync(join(tmpdir(), "comptoir-profile-"));
  const execArgv = options.profile ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [];
  const shop = await startShop({ execArgv });
  try {
    const target = { url: shop.url, token: await shop.adminToken() };
    await stockUp(target, run.skus);
    const loaded = await load(target, run, options);
    const settledMs = await settle(target);
    await shop.stop();
    const shares = options.profile ? sharesOf(profiles) : new Map<string, number>();
    return { measured: { ...loaded, settledMs }, shares };
  } finally {
    shop.process.kill("SIGKILL");
    for (const folder of [shop.data, profiles]) rmSync(folder, { recursive: true, force: true });
  }
}

const spread = Array.from({ length: options.skus }, (_, index) => `SKU-${String(index)}`);
const runs: readonly Run[] = [
  { name: "spread", skus: spread },
  { name: "flash-sale", skus: ["SKU-0"] },
];
const results = [];
for (const run of runs) results.push(await measure(run));

const table = new Table({
  head: ["run", "orders", "orders/s", "p50 ms", "p99 ms", "not confirmed", "settled after ms"],
});
for (const { measured: m } of results) {
  table.push([m.name, m.orders, m.perSecond.toFixed(0), m.p50, m.p99, m.notConfirmed, m.settledMs.toFixed(0)]);
}
console.log(table.toString());
for (const { measured, shares } of results) {
  if (shares.size === 0) continue;
  const parts = [...shares].map(([part, share]) => `${part} ${(share * 100).toFixed(0)} %`);
  console.log(`${measured.name}: ${parts.join(" · ")}`);
}
const failed = results.some(({ measured }) => measured.notConfirmed > 0 || measured.perSecond < options.min);
process.exitCode = failed ? 1 : 0;
