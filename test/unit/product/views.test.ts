// The products that are viewed most have numbers of their own, and no view is lost or counted twice.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Views } from "../../../services/product/product.views.ts";

const sumOf = (views: Views): number => [...views.shown().values()].reduce((sum, count) => sum + count, views.other);

describe("The views of products", () => {
  it("are all counted, in so many numbers, none of which falls while it is shown", () => {
    const skus = fc.array(
      fc.nat(40).map(n => `sku-${String(Math.floor(n ** 1.5))}`),
      { maxLength: 600 },
    );
    fc.assert(
      fc.property(skus, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 }), (seen, shown, candidates) => {
        const views = new Views({ shown, candidates });
        let before = { shown: views.shown(), other: 0 };
        for (const [index, sku] of seen.entries()) {
          views.view(sku);
          expect(sumOf(views)).toBe(index + 1);
          expect(views.shown().size).toBeLessThanOrEqual(shown);
          expect(views.other).toBeGreaterThanOrEqual(before.other);
          for (const [own, count] of views.shown()) expect(count).toBeGreaterThanOrEqual(before.shown.get(own) ?? 0);
          before = { shown: views.shown(), other: views.other };
        }
      }),
    );
  });

  it("show what is viewed most, whatever was viewed first", () => {
    const views = new Views({ shown: 50, candidates: 500 });
    for (let index = 0; index < 5_000; index += 1) views.view(`rare-${String(index)}`);
    for (let round = 0; round < 200; round += 1) {
      for (let index = 0; index < 50; index += 1) views.view(`often-${String(index)}`);
      for (let index = 0; index < 50; index += 1) views.view(`rare-${String(round * 50 + index)}`);
    }
    const often = [...views.shown().keys()].filter(sku => sku.startsWith("often-"));
    expect(often).toHaveLength(50);
  });

  it("do not take turns when they are viewed alike", () => {
    const views = new Views({ shown: 50, candidates: 500 });
    let changes = 0;
    let before = new Set<string>();
    for (let round = 0; round < 400; round += 1) {
      for (let index = 0; index < 100; index += 1) views.view(`sku-${String(index)}`);
      const now = new Set(views.shown().keys());
      if (round >= 20) changes += [...now].filter(sku => !before.has(sku)).length;
      before = now;
    }
    expect(changes).toBe(0);
  });
});
