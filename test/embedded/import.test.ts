import { describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Shop } from "../../scripts/support/shop.ts";
import { expectNoFinding } from "../support/audited.ts";
import type { Client } from "../support/client.ts";
import { EXPECTED, expectedStock, isWhole, SAMPLE, stockOf, sumsOf } from "../support/imported.ts";
import { ended, openShop, peakMemory, ROOT, startImport, withShop, type OpenShop } from "../support/shop-process.ts";

const MIB = 300;

/** Everything the shop has of it that could change. */
async function state(api: Client, skus: Iterable<string>) {
  return {
    orders: (await api.all<Order>("/v1/orders")).map(({ id, version }) => [id, version]),
    documents: (await api.all<Invoice>("/v1/invoices")).map(({ id, number }) => [id, number]),
    stock: await stockOf(api, skus),
  };
}

/** The first invoices of the sample as a file of their own. */
function beginning(shop: Shop, lines: number): string {
  const file = join(shop.data, "beginning.csv");
  writeFileSync(file, `${readFileSync(SAMPLE, "utf8").split("\r\n").slice(0, lines).join("\r\n")}\r\n`);
  return file;
}

describe("npm run import", () => {
  it("brings the sample in to the penny, conserves the stock of every SKU, has nothing for the audit, and changes nothing when run twice", async () => {
    const bringIn = async ({ shop, api }: OpenShop): Promise<void> => {
      const child = startImport(shop, SAMPLE);
      let peak = 0;
      const watch = setInterval(() => {
        if (child.exitCode === null) peak = peakMemory(child.pid) ?? peak;
      }, 200);
      const { code, summary } = await ended(child);
      clearInterval(watch);
      expect({ code, summary }).toEqual({ code: 0, summary: { ...EXPECTED, report: join(shop.data, "refused.csv") } });
      expect(peak).toBeLessThan(MIB);
      expect(peakMemory(shop.process.pid)).toBeLessThan(MIB);
      await isWhole(api, SAMPLE);
      expect(await sumsOf(api)).toEqual([EXPECTED.revenue, -EXPECTED.credits]);
      const looked = await expectNoFinding(api);
      expect(looked.get("invoices")).toBeGreaterThan(800);
      expect(looked.get("stock")).toBeGreaterThan(1_000);

      const skus = [...expectedStock(SAMPLE).keys()];
      const before = await state(api, skus);
      const again = await ended(startImport(shop, SAMPLE));
      expect(again.summary).toMatchObject(EXPECTED);
      expect(await state(api, skus)).toEqual(before);
    };
    await withShop(bringIn, { env: { COMPTOIR_AUDIT_INTERVAL: "5" } });
  }, 300_000);

  it("completes when it is killed in the middle and run again", async () => {
    await withShop(async ({ shop, api }) => {
      const file = beginning(shop, 2_500);
      const first = startImport(shop, file);
      const killed = ended(first);
      await api.until(
        () => api.all("/v1/invoices"),
        all => all.length >= 20,
      );
      first.kill("SIGKILL");
      expect((await killed).summary).toEqual({});
      const { code, summary } = await ended(startImport(shop, file));
      expect({ code, refused: summary.refusedRows, rows: summary.rows }).toEqual({ code: 0, refused: 0, rows: 2_499 });
      await isWhole(api, file);
    });
  });

  it("goes on when the shop is killed in the middle and comes back", async () => {
    await withShop(async ({ shop, api }) => {
      const file = beginning(shop, 2_500);
      const running = ended(startImport(shop, file));
      await api.until(
        () => api.all("/v1/invoices"),
        all => all.length >= 20,
      );
      await shop.kill();
      const back = await openShop({ data: shop.data, env: { COMPTOIR_PORT: new URL(shop.url).port } });
      try {
        const { code, summary } = await running;
        expect({ code, refused: summary.refusedRows }).toEqual({ code: 0, refused: 0 });
        await isWhole(back.api, file);
      } finally {
        await back.shop.kill();
      }
    });
  });

  it("says where it stopped on Ctrl-C", async () => {
    await withShop(async ({ shop, api }) => {
      const child = startImport(shop, SAMPLE);
      const stopped = ended(child);
      await api.until(
        () => api.all("/v1/products"),
        all => all.length >= 20,
      );
      child.kill("SIGINT");
      const { code, stdout, stderr } = await stopped;
      expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
      expect(stderr).toMatch(/Run the same command again/);
    });
  });

  it("stages a million rows in the memory of two hundred thousand", async () => {
    const peakOf = async (rows: number): Promise<number> => {
      const child = spawn(process.execPath, ["test/embedded/stage-rows.ts", String(rows)], {
        cwd: ROOT,
        stdio: "pipe",
      });
      const { summary } = await ended(child);
      expect(summary.rows).toBe(rows);
      return Number(summary.peak);
    };
    const peak = await peakOf(1_000_000);
    expect(peak).toBeLessThan((await peakOf(200_000)) + 64);
    expect(peak).toBeLessThan(350);
  });
});
