// Money: whole minor units, rounded per line half up, summed and split without losing one.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  add,
  allocate,
  beyondLargest,
  lineAmounts,
  money,
  negate,
  subtract,
  sum,
  sumAmounts,
  tax,
} from "../../../core/kernel/money.ts";

const amount = fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 });
const taxRate = fc.integer({ min: 0, max: 10_000 });
const line = fc.record({
  unitPrice: fc.integer({ min: 0, max: 9_000_000 }).map(pence => money(pence, "GBP")),
  quantity: fc.integer({ min: 1, max: 100_000 }),
  taxRate,
});
const pence = (...amounts: number[]) => amounts.map(each => money(each, "GBP"));

describe("An amount", () => {
  it("is a safe integer and nothing else", () => {
    for (const wrong of [0.1, Number.NaN, Infinity, 2 ** 53]) expect(() => money(wrong, "GBP")).toThrow(RangeError);
    expect(Object.is(money(-0, "GBP").amount, 0)).toBe(true);
  });

  it("is not added to another currency", () => {
    expect(() => add(money(1, "GBP"), money(1, "EUR"))).toThrow("Cannot add GBP and EUR");
    expect(() => sum(pence(1), "EUR")).toThrow(RangeError);
  });

  it("comes back when what was added is taken away", () => {
    fc.assert(
      fc.property(amount, amount, (left, right) => {
        const both = add(money(left, "GBP"), money(right, "GBP"));
        expect(subtract(both, money(right, "GBP"))).toEqual(money(left, "GBP"));
      }),
    );
  });
});

describe("Tax", () => {
  it.each([
    [249, 2000, 50],
    [252, 2000, 50],
    [250, 1, 0],
    [5_000, 1, 1],
    [4_999, 1, 0],
    [-250, 2000, -50],
    [-5_000, 1, -1],
    [9_000_000_000_000, 10_000, 9_000_000_000_000],
  ])("of %d at %d hundredths of a percent is %d", (net, rate, expected) => {
    expect(tax(money(net, "GBP"), rate)).toEqual(money(expected, "GBP"));
  });

  it("is off the exact value by half a minor unit at the most, and rounds the half up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000_000 }), taxRate, (net, rate) => {
        const rounded = BigInt(tax(money(net, "GBP"), rate).amount) * 10_000n;
        const off = rounded - BigInt(net) * BigInt(rate);
        expect(off > -5_000n && off <= 5_000n).toBe(true);
      }),
    );
  });

  it("of a credit mirrors that of its sale", () => {
    fc.assert(
      fc.property(amount, taxRate, (net, rate) => {
        expect(tax(negate(money(net, "GBP")), rate)).toEqual(negate(tax(money(net, "GBP"), rate)));
      }),
    );
  });
});

describe("The lines of an order", () => {
  it("add up to its totals, and net and tax to gross", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 50 }), lines => {
        const amounts = lines.map(each => lineAmounts(each.unitPrice, each.quantity, each.taxRate));
        const totals = sumAmounts(amounts, "GBP");
        expect(totals.net.amount).toBe(lines.reduce((all, each) => all + each.quantity * each.unitPrice.amount, 0));
        expect(totals.tax.amount).toBe(amounts.reduce((all, each) => all + each.tax.amount, 0));
        expect(totals.gross).toEqual(add(totals.net, totals.tax));
      }),
    );
  });

  it("are refused together before their sum is too large to be exact", () => {
    const dear = { quantity: 500, unitPrice: money(9_000_000_000, "GBP") };
    expect(beyondLargest([dear])).toBeNull();
    expect(beyondLargest([dear, { quantity: 1, unitPrice: money(1, "GBP") }])).toContain("4500000000000");
  });
});

describe("Splitting", () => {
  const weights = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 20 }).filter(each => each.some(Boolean));

  it("gives the largest remainders the rest, ties to the earlier share", () => {
    expect(allocate(money(100, "GBP"), [1, 1, 1])).toEqual(pence(34, 33, 33));
    expect(allocate(money(10, "GBP"), [1, 2, 4])).toEqual(pence(1, 3, 6));
    expect(allocate(money(-100, "GBP"), [1, 1, 1])).toEqual(pence(-34, -33, -33));
    expect(allocate(money(5, "GBP"), [0, 1])).toEqual(pence(0, 5));
  });

  it("neither loses nor makes a minor unit", () => {
    fc.assert(
      fc.property(amount, weights, (total, shares) => {
        expect(sum(allocate(money(total, "GBP"), shares), "GBP")).toEqual(money(total, "GBP"));
      }),
    );
  });

  it("gives each share less than one minor unit more or less than is exactly its own", () => {
    fc.assert(
      fc.property(amount, weights, (total, shares) => {
        const whole = shares.reduce((a, b) => a + b, 0);
        for (const [index, share] of allocate(money(total, "GBP"), shares).entries()) {
          const off = BigInt(share.amount) * BigInt(whole) - BigInt(total) * BigInt(shares[index] ?? 0);
          expect(off > -BigInt(whole) && off < BigInt(whole)).toBe(true);
        }
      }),
    );
  });

  it("by nothing is a mistake", () => {
    expect(() => allocate(money(1, "GBP"), [0, 0])).toThrow("Weights must add up to more than 0");
  });
});
