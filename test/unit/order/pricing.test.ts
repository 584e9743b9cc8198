import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { add, sum } from "../../../core/kernel/money.ts";
import { priceOrder } from "../../../services/order/order.pricing.ts";
import { asked, gbp, product } from "../../support/orders.ts";

const priced = (...args: Parameters<typeof priceOrder>) => {
  const result = priceOrder(...args);
  if (!result.ok) throw new Error(result.refusal.detail);
  return result;
};

describe("pricing an order", () => {
  it("adds up lines of one SKU and price, and keeps different prices apart", () => {
    const lines = [
      { sku: "A", quantity: 2 },
      { sku: "B", quantity: 1 },
      { sku: "A", quantity: 3 },
      { sku: "A", quantity: 1, unitPrice: gbp(100) },
    ];
    const order = priced(asked(lines), [product("A"), product("B")]);
    expect(order.lines.map(({ id, sku, quantity, unitPrice }) => [id, sku, quantity, unitPrice.amount])).toEqual([
      ["1", "A", 5, 255],
      ["2", "B", 1, 255],
      ["3", "A", 1, 100],
    ]);
  });

  it("rounds tax per line, half up", () => {
    // 3 × 0.25 at 20 % is 0.15; 1 × 0.25 at 10 % is 0.025, so 0.03.
    const order = priced(
      asked([
        { sku: "A", quantity: 3 },
        { sku: "B", quantity: 1 },
      ]),
      [product("A", 25), product("B", 25, 1000)],
    );
    expect(order.lines.map(line => line.tax.amount)).toEqual([15, 3]);
    expect(order.totals).toEqual({ net: gbp(100), tax: gbp(18), gross: gbp(118) });
  });

  it("names every unknown SKU by its pointer", () => {
    const result = priceOrder(
      asked([
        { sku: "A", quantity: 1 },
        { sku: "X", quantity: 1 },
      ]),
      [product("A")],
    );
    expect(result).toMatchObject({
      ok: false,
      refusal: { code: "UNKNOWN_SKU", data: { errors: [{ pointer: "/lines/1/sku" }] } },
    });
  });

  it("refuses a price in another currency than the order's", () => {
    const result = priceOrder(asked([{ sku: "A", quantity: 1 }], { currency: "EUR" }), [product("A")]);
    expect(result).toMatchObject({ ok: false, refusal: { code: "VALIDATION_FAILED" } });
  });

  it("refuses a total beyond the safe integers instead of rounding it", () => {
    const line = { sku: "A", quantity: 1_000_000, unitPrice: gbp(9_000_000_000) };
    expect(priceOrder(asked([line]), [product("A")])).toMatchObject({
      ok: false,
      refusal: { code: "VALIDATION_FAILED" },
    });
  });

  it("says which product is not on sale", () => {
    const off = { ...product("A"), status: "INACTIVE" as const };
    expect(priced(asked([{ sku: "A", quantity: 1 }]), [off]).unavailable).toMatchObject({
      code: "PRODUCT_UNAVAILABLE",
      sku: "A",
    });
  });

  it("conserves money: totals are the sums of lines, gross is net and tax", () => {
    const line = fc.record({ sku: fc.constantFrom("A", "B", "C"), quantity: fc.integer({ min: 1, max: 1_000_000 }) });
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (lines, price, rate) => {
          const { lines: made, totals } = priced(
            asked(lines),
            ["A", "B", "C"].map(sku => product(sku, price, rate)),
          );
          expect(totals.gross).toEqual(
            sum(
              made.map(each => each.gross),
              "GBP",
            ),
          );
          expect(totals.gross).toEqual(add(totals.net, totals.tax));
          expect(made.reduce((n, each) => n + each.quantity, 0)).toBe(lines.reduce((n, each) => n + each.quantity, 0));
        },
      ),
    );
  });
});
