import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { PricedProduct } from "../../../core/contracts/product.ts";
import { decideChange, decideCreate, type ProductChange } from "../../../services/product/product.domain.ts";

const price = fc.record({ amount: fc.nat(3), currency: fc.constantFrom("GBP", "EUR") });
const status = fc.constantFrom("ACTIVE" as const, "INACTIVE" as const);
const fields = { name: fc.constantFrom("Mug", "Cup"), price, taxRate: fc.constantFrom(0, 2000), status };
const product: fc.Arbitrary<PricedProduct> = fc.record({ sku: fc.constant("A"), ...fields });
const change: fc.Arbitrary<ProductChange> = fc.record(
  { sku: fc.constant("A"), ...fields },
  { requiredKeys: ["sku"], noNullPrototype: true },
);

/** The product after the change, and how many events that took. */
function changed(from: PricedProduct, by: ProductChange): { to: PricedProduct; events: number } {
  const decision = decideChange(from, by);
  if (!decision.ok) throw new Error(decision.refusal.code);
  return { to: decision.events.at(-1)?.data ?? from, events: decision.events.length };
}

describe("a change of a product", () => {
  it("gives what it names and leaves the rest", () => {
    fc.assert(
      fc.property(product, change, (from, by) => {
        expect(changed(from, by).to).toEqual({ ...from, ...by });
      }),
    );
  });

  it("makes an event exactly when something is different, so a repeat makes none", () => {
    fc.assert(
      fc.property(product, change, (from, by) => {
        const { to, events } = changed(from, by);
        expect(events).toBe(JSON.stringify(to) === JSON.stringify(from) ? 0 : 1);
        expect(changed(to, by).events).toBe(0);
      }),
    );
  });
});

describe("a new product", () => {
  it("is refused where one stands, whatever it is", () => {
    fc.assert(
      fc.property(product, product, (existing, wanted) => {
        expect(decideCreate(existing, wanted)).toMatchObject({ ok: false, refusal: { code: "SKU_EXISTS" } });
      }),
    );
  });
});
