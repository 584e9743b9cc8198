// npm run bench:orders: one-line orders through REST into a real shop, and proof that each is confirmed, invoiced and told.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon, { type Request } from "autocannon";
import Table from "cli-table3";
import { Command } from "commander";
import { startShop, type Shop } from "../support/shop.ts";
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

const STOCK = 1_000_000;

interface Run {
  readonly name: string;
  readonly skus: readonly string[];
}
interface Measured {
  readonly name: string;
  readonly orders: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly notConfirmed: number;
  readonly settledMs: number;
}

async function post(shop: Shop, token: string, path: string, body: object, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key };
  const answer = await fetch(shop.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
}

async function stockUp(shop: Shop, token: string, skus: readonly string[]): Promise<void> {
  for (const sku of skus) {
    await post(
      shop,
      token,
      "/v1/products",
      { sku, name: `Product ${sku}`, price: { amount: 255, currency: "GBP" } },
      `product-${sku}`,
    );
    await post(shop, token, `/v1/inventory/${sku}/receipts`, { quantity: STOCK }, `stock-${sku}`);
  }
}

/** Autocannon's request for one order more at every turn. */
function orderRequests(run: Run, token: string) {
  let sent = 0;
  return (request: Request): Request => {
    sent += 1;
    const body = {
      email: "bench@example.org",
      currency: "GBP",
      lines: [{ sku: run.skus[sent % run.skus.length], quantity: 1 }],
      payment: { method: "pm_card_visa" },
    };
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": `${run.name}-${String(sent)}`,
    };
    return { ...request, headers, body: JSON.stringify(body) };
  };
}

/** Orders until the time is over; every answer is looked at. */
async function load(shop: Shop, token: string, run: Run): Promise<Omit<Measured, "settledMs">> {
  let confirmed = 0;
  let other = 0;
  const result = await autocannon({
    url: shop.url,
    connections: options.clients,
    duration: options.seconds,
    requests: [
      {
        method: "POST",
        path: "/v1/orders",
        setupRequest: orderRequests(run, token),
        onResponse: (status, body) => {
          const isConfirmed = status === 201 && (JSON.parse(body) as { status: string }).status === "CONFIRMED";
          if (isConfirmed) confirmed += 1;
          else other += 1;
        },
      },
    ],
  });
  return {
    name: run.name,
    orders: confirmed,
    perSecond: confirmed / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    notConfirmed: other + result.errors + result.timeouts,
  };
}

async function countAll(shop: Shop, token: string, path: string): Promise<number> {
  let count = 0;
  let cursor: string | null = "";
  while (cursor !== null) {
    const after: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${shop.url}${path}?limit=100${after}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await answer.json()) as { items: { status: string }[]; nextCursor: string | null };
    count += page.items.filter(item => item.status !== "REJECTED").length;
    cursor = page.nextCursor;
  }
  return count;
}

/** Of each order: that it is confirmed, and its invoice. */
const MAILS_PER_ORDER = 2;

/** Milliseconds until every order has its invoice and both its mails, so until the last event is delivered. */
async function settle(shop: Shop, token: string): Promise<number> {
  const start = performance.now();
  for (;;) {
    // Counted anew each time: the last orders were still running when their clients hung up.
    const orders = await countAll(shop, token, "/v1/orders");
    const invoices = await countAll(shop, token, "/v1/invoices");
    const mails = invoices === orders ? await countAll(shop, token, "/v1/notifications") : 0;
    const took = performance.now() - start;
    if (mails === orders * MAILS_PER_ORDER) return took;
    if (took > 120_000) {
      throw new Error(
        `${String(orders)} orders, ${String(invoices)} invoices, ${String(mails)} mails after two minutes`,
      );
    }
  }
}

async function measure(run: Run): Promise<{ measured: Measured; shares: Map<string, number> }> {
  const profiles = mkdtempSync(join(tmpdir(), "comptoir-profile-"));
  const execArgv = options.profile ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [];
  const shop = await startShop({ execArgv });
  try {
    const token = await shop.adminToken();
    await stockUp(shop, token, run.skus);
    const loaded = await load(shop, token, run);
    const settledMs = await settle(shop, token);
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
