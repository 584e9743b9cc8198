import { beforeEach, describe, expect, it } from "@jest/globals";
import { productHandlers } from "../../services/product/product.handlers.ts";
import { productCollection } from "../../services/product/product.schema.ts";
import { asStaff, memoryEnvironment, withKey } from "../support/requests.ts";

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const heart = { sku: "85123A", name: "White Hanging Heart", price: gbp(255) };

function open() {
  const { database, clock, random } = memoryEnvironment();
  const products = database.collection(productCollection);
  const handlers = productHandlers({ products, clock, random });
  const create = (params: Parameters<(typeof handlers)["v1.product.create"]>[0], key = {}) =>
    handlers["v1.product.create"](params, asStaff(key));
  const change = (params: Parameters<(typeof handlers)["v1.product.change"]>[0], ifMatch: number | null) =>
    handlers["v1.product.change"](params, asStaff({ ifMatch }));
  const list = (params: Parameters<(typeof handlers)["v1.product.list"]>[0]) =>
    handlers["v1.product.list"](params, asStaff());
  return { products, handlers, clock, create, change, list };
}

describe("product", () => {
  let shop: ReturnType<typeof open>;
  beforeEach(() => {
    shop = open();
  });

  describe("create", () => {
    it("adds an active product without tax, and says so in one event", async () => {
      const { replayed, resource } = await shop.create(heart);
      expect(replayed).toBe(false);
      expect(resource).toEqual({
        ...heart,
        taxRate: 0,
        status: "ACTIVE",
        createdAt: "2026-01-01T00:00:00.000Z",
        updatedAt: "2026-01-01T00:00:00.000Z",
        version: 1,
      });
      const events = await shop.products.pending(10);
      expect(events).toMatchObject([
        { type: "product.created.v1", subject: "85123A", data: { ...heart, taxRate: 0, status: "ACTIVE" } },
      ]);
    });

    it("refuses a SKU that is taken", async () => {
      await shop.create(heart);
      await expect(shop.create({ ...heart, name: "Another" })).rejects.toMatchObject({ type: "SKU_EXISTS", code: 409 });
    });

    it("keeps SKUs apart that differ in case only", async () => {
      await shop.create(heart);
      await expect(shop.create({ ...heart, sku: "85123a" })).resolves.toMatchObject({ replayed: false });
    });

    it("answers a repeat of the same key with the product as it is now", async () => {
      await shop.create(heart, withKey("k", heart));
      await shop.change({ sku: "85123A", name: "Renamed" }, 1);
      await expect(shop.create(heart, withKey("k", heart))).resolves.toMatchObject({
        replayed: true,
        resource: { name: "Renamed", version: 2 },
      });
    });

    it("refuses a key that came with another body, for the same SKU and for another", async () => {
      await shop.create(heart, withKey("k", heart));
      const dearer = { ...heart, price: gbp(300) };
      const other = { ...heart, sku: "22423" };
      await expect(shop.create(dearer, withKey("k", dearer))).rejects.toMatchObject({ type: "IDEMPOTENCY_KEY_REUSED" });
      await expect(shop.create(other, withKey("k", other))).rejects.toMatchObject({ type: "IDEMPOTENCY_KEY_REUSED" });
      await expect(shop.products.load("22423")).resolves.toBeNull();
    });

    it("lets one of two at the same moment win", async () => {
      const results = await Promise.allSettled([shop.create(heart), shop.create(heart)]);
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    });
  });

  describe("change", () => {
    beforeEach(() => shop.create(heart));

    it("changes what is named and keeps the rest", async () => {
      await shop.clock.advance(1000);
      const changed = await shop.change({ sku: "85123A", status: "INACTIVE" }, 1);
      expect(changed).toMatchObject({
        name: heart.name,
        status: "INACTIVE",
        version: 2,
        updatedAt: "2026-01-01T00:00:01.000Z",
        createdAt: "2026-01-01T00:00:00.000Z",
      });
      const events = await shop.products.pending(10);
      expect(events.map(({ type }) => type)).toEqual(["product.created.v1", "product.changed.v1"]);
    });

    it("writes nothing when nothing is different", async () => {
      await expect(shop.change({ sku: "85123A", price: gbp(255) }, 1)).resolves.toMatchObject({ version: 1 });
      await expect(shop.products.pending(10)).resolves.toHaveLength(1);
    });

    it("refuses a stale If-Match", async () => {
      await shop.change({ sku: "85123A", name: "Renamed" }, 1);
      await expect(shop.change({ sku: "85123A", name: "Late" }, 1)).rejects.toMatchObject({
        type: "PRECONDITION_FAILED",
      });
    });

    it("does not know what is not there", async () => {
      await expect(shop.change({ sku: "none", name: "x" }, 1)).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
      await expect(shop.handlers["v1.product.get"]({ sku: "none" }, asStaff())).rejects.toMatchObject({ code: 404 });
    });
  });

  describe("list", () => {
    beforeEach(async () => {
      for (const [sku, name] of [
        ["C", "Red Mug"],
        ["A", "Blue mug"],
        ["B-MUG", "Cup"],
        ["D", "100% wool"],
      ] as const)
        await shop.create({ sku, name, price: gbp(1) });
      await shop.change({ sku: "A", status: "INACTIVE" }, 1);
    });

    it("goes by SKU, page by page", async () => {
      const first = await shop.list({ limit: 3 });
      expect(first.items.map(({ sku }) => sku)).toEqual(["A", "B-MUG", "C"]);
      const second = await shop.list({ limit: 3, cursor: first.nextCursor ?? "" });
      expect(second).toMatchObject({ items: [{ sku: "D" }], nextCursor: null });
    });

    it.each([
      [{ q: "MUG" }, ["A", "B-MUG", "C"]],
      [{ q: "mug", status: "ACTIVE" as const }, ["B-MUG", "C"]],
      [{ q: "%" }, ["D"]],
      [{ status: "INACTIVE" as const }, ["A"]],
      [{ q: "nothing" }, []],
    ])("finds by %j", async (query, skus) => {
      expect((await shop.list(query)).items.map(({ sku }) => sku)).toEqual(skus);
    });
  });

  it("prices all SKUs in one call and leaves out those that nobody knows", async () => {
    await shop.create(heart);
    const { products } = await shop.handlers["v1.product.price"]({ skus: ["85123A", "none"] }, asStaff());
    expect(products).toEqual([{ ...heart, taxRate: 0, status: "ACTIVE" }]);
  });
});
