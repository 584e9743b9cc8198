// Twice of what a real shop can do, by k6: it goes on doing what it can, and tells the rest to come later.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { StockItem } from "../../core/contracts/inventory.ts";
import { spawnLoad } from "../support/load-process.ts";
import { auditFromOutside, settle } from "../support/outside-audit.ts";
import { ended, openShop, type OpenShop } from "../support/shop-process.ts";

interface Orders {
  readonly accepted: number;
  readonly perSecond: number;
  readonly refused: number;
  readonly failed: number;
  readonly p99: number;
  readonly lost: number;
  readonly broken: number;
}

/** Of the saturated rate. The client takes its part of the same cores, and more of it than in the ramp. */
const GOODPUT = 0.9;
const SKUS = 50;

let open: OpenShop;
beforeAll(async () => {
  open = await openShop();
}, 60_000);
afterAll(() => open.shop.kill());

async function load(...args: string[]) {
  const child = spawnLoad({ url: open.shop.url, args });
  const { stdout, stderr, summary } = await ended(child);
  if (summary["orders"] === undefined) throw new Error(`k6 printed no summary:\n${stdout}\n${stderr}`);
  return summary as { orders: Orders; saturatedRate?: number; steps?: { accepted: number }[]; crossed: string[] };
}

describe("At twice of what saturates it", () => {
  it("a shop accepts nine tenths of that, answers those within a second, and nothing is odd afterwards", async () => {
    const skus = ["--skus", String(SKUS)];
    // How quick this machine is, and then in steps that fit.
    const { steps = [] } = await load("ramp", "--rate", "1600", "--duration", "16s", ...skus);
    const about = Math.max(...steps.map(({ accepted }) => accepted));
    expect(about).toBeGreaterThan(0);
    const { saturatedRate: saturated = 0 } = await load(
      "ramp",
      "--rate",
      String(2 * about),
      "--duration",
      "64s",
      ...skus,
    );
    expect(saturated).toBeGreaterThan(0);
    const { orders, crossed } = await load("overload", "--rate", String(saturated), "--duration", "120s", ...skus);
    console.log(`saturated at ${String(saturated)}/s; at twice of it: ${JSON.stringify(orders)}`);
    expect(crossed).toEqual([]);
    expect(orders.perSecond).toBeGreaterThanOrEqual(GOODPUT * saturated);
    expect(orders.p99).toBeLessThanOrEqual(1_000);
    expect(orders.refused).toBeGreaterThan(0);
    expect(orders).toMatchObject({ failed: 0, lost: 0, broken: 0 });
    await nothingIsOdd();
  }, 600_000);
});

async function nothingIsOdd(): Promise<void> {
  const { api } = open;
  await settle(api, []);
  const skus = Array.from({ length: SKUS }, (_, index) => `LOAD-${String(index).padStart(3, "0")}`);
  const stock = await Promise.all(skus.map(sku => api.get<StockItem>(`/v1/inventory/${sku}`)));
  // Nothing was shipped: what came in is on hand.
  const received = new Map(stock.map(({ sku, onHand }) => [sku, onHand]));
  expect(await auditFromOutside(api, { placed: [], received })).toEqual([]);
}
