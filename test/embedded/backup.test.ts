// A shop is copied while it sells, and what comes back is whole: asked of real processes and the real tools.
import { afterEach, describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ADMIN, temporaryFolder, type Shop, type ShopOptions } from "../../scripts/support/shop.ts";
import type { Order } from "../../core/contracts/order.ts";
import { buyers, order, stocked, UNITS } from "../support/market.ts";
import { disagreements, settledBooks } from "../support/books.ts";
import { ended, openShop, ROOT, type Ended, type OpenShop } from "../support/shop-process.ts";

const folders: string[] = [];
const running: OpenShop[] = [];

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made;
}

async function open(options: ShopOptions): Promise<OpenShop> {
  const opened = await openShop({ ...options, env: { COMPTOIR_SAGA_LEASE: "1", ...options.env } });
  running.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ shop }) => shop.kill()));
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

function tool(
  name: "main" | "restore",
  args: readonly string[],
  shop: Pick<Shop, "data" | "url"> | null,
): Promise<Ended> {
  const port = shop === null ? {} : { COMPTOIR_PORT: new URL(shop.url).port, COMPTOIR_DATA: shop.data };
  const child = spawn(process.execPath, [`scripts/backup/${name}.ts`, ...args], {
    cwd: ROOT,
    env: { COMPTOIR_ADMIN_EMAIL: ADMIN.email, COMPTOIR_ADMIN_PASSWORD: ADMIN.password, ...port },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

/** What the provider took, from its own books: nothing else may have them open. */
function charges(data: string): string[] {
  const database = new DatabaseSync(join(data, "provider.sqlite"));
  try {
    const rows = database.prepare("select id, body from ledger").all();
    return rows.flatMap(({ id, body }) => {
      const { type, state } = JSON.parse(String(body)) as { type: string; state: string };
      return type === "CAPTURE" && state === "APPROVED" ? [String(id)] : [];
    });
  } finally {
    database.close();
  }
}

describe("A backup of a shop that sells", () => {
  it("holds every order that was answered before it, and settles where it is restored", async () => {
    const first = await open({ data: folder() });
    await stocked(first.api);
    const market = buyers(first.api, 8);
    await first.api.until(
      () => Promise.resolve(market.answered.length),
      count => count > 100,
    );
    const kept = folder();
    const backups: { readonly path: string; readonly before: readonly Order[]; readonly last: number }[] = [];
    for (let n = 0; n < 3; n += 1) {
      const before = market.answered.map(answer => answer.order);
      const { code, summary, stderr } = await tool("main", [kept], first.shop);
      expect([code, stderr]).toEqual([0, ""]);
      backups.push({ path: String(summary["path"]), before, last: Date.parse(String(summary["takenAt"])) });
    }
    await market.stop();
    await first.shop.kill();
    const pauses = market.answered.map(({ took }) => took);
    expect(Math.max(...pauses)).toBeLessThan(2_000);
    expect(readdirSync(kept)).toHaveLength(3);

    for (const { path, before, last } of backups) {
      const data = join(folder(), "restored");
      expect(await tool("restore", [path, "--into", data], null)).toMatchObject({ code: 0, stderr: "" });
      const { api, shop } = await open({ data });
      const books = await settledBooks(api, "A");
      expect(disagreements(books, UNITS)).toEqual([]);
      const now = new Map(books.orders.map(each => [each.id, each.status]));
      for (const { id, status } of before.filter(each => each.status !== "PENDING")) expect(now.get(id)).toBe(status);
      expect(books.orders.every(({ placedAt }) => Date.parse(placedAt) <= last)).toBe(true);
      const mails = new Set(books.notifications.map(({ orderId, template }) => `${String(orderId)} ${template}`));
      expect(mails.size).toBe(books.notifications.length);
      // It goes on: the next order gets the next number.
      await api.post("/v1/orders", order, "after");
      expect(disagreements(await settledBooks(api, "A"), UNITS)).toEqual([]);
      expect(await shop.stop()).toBe(0);
      const sold = books.orders.filter(each => each.status === "CONFIRMED").length + 1;
      expect(charges(data)).toHaveLength(sold);
    }
  }, 180_000);

  it("is made of the files when the shop is stopped, and the old ones are kept when it is restored over them", async () => {
    const first = await open({ data: folder() });
    await stocked(first.api);
    await first.api.post("/v1/orders", order, "one");
    await first.shop.kill();
    const { summary } = await tool("main", [], first.shop);
    const path = String(summary["path"]);
    const again = await open({ data: first.shop.data });
    await again.api.post("/v1/orders", order, "two");
    const inUse = await tool("restore", [path, "--force"], again.shop);
    expect([inUse.code, inUse.stderr]).toEqual([1, expect.stringContaining("in use by another Comptoir")]);
    await again.shop.stop();
    const refused = await tool("restore", [path], again.shop);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("add --force to move them aside")]);
    expect((await tool("restore", [path, "--force"], again.shop)).code).toBe(0);
    const restored = await open({ data: first.shop.data });
    expect((await settledBooks(restored.api, "A")).orders).toHaveLength(1);
    expect(readdirSync(first.shop.data).filter(name => name.startsWith("replaced-"))).toHaveLength(1);
  }, 120_000);

  it("that is damaged is refused in one line, with nothing changed", async () => {
    const first = await open({ data: folder() });
    await stocked(first.api);
    const { summary } = await tool("main", [], first.shop);
    const path = String(summary["path"]);
    truncateSync(join(path, "order.sqlite"), 8_192);
    const data = join(folder(), "new");
    for (const [args, text] of [
      [[path, "--into", data], "order.sqlite has 8192 bytes instead of"],
      [[join(path, "nothing"), "--into", data], "is no backup"],
    ] as const) {
      const { code, stderr } = await tool("restore", args, null);
      expect(code).toBe(1);
      expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(text)]);
    }
    expect(existsSync(data) ? readdirSync(data).filter(name => name.endsWith(".sqlite")) : []).toEqual([]);
  }, 60_000);
});
