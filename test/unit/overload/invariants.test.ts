// What a load test looks for afterwards is found when it is there.
import { describe, expect, it } from "@jest/globals";
import { violations, type Books } from "../../../load/lib/invariants.ts";

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const totals = { net: gbp(255), tax: gbp(51), gross: gbp(306) };
const stock = (available: number, allocated: number) => ({
  sku: "A",
  onHand: available + allocated,
  reserved: 0,
  allocated,
  available,
  version: 1,
});
const line = {
  id: "1",
  sku: "A",
  name: "A",
  quantity: 2,
  unitPrice: gbp(100),
  taxRate: 0,
  net: gbp(255),
  tax: gbp(51),
  gross: gbp(306),
};
const order: Books["orders"][number] = {
  id: "1",
  email: "a@load.example",
  status: "CONFIRMED",
  paymentStatus: "CAPTURED",
  lines: [line],
  totals,
};
const right: Books = {
  orders: [order],
  invoices: [{ orderId: "1", type: "INVOICE", totals }],
  before: { A: stock(10, 3) },
  after: { A: stock(8, 5) },
};

describe("After a load test", () => {
  it("nothing is said of books that add up", () => {
    expect(violations(right)).toEqual([]);
  });

  const other = { ...order, id: "2" };
  it.each<[what: string, wrong: Partial<Books>, said: RegExp]>([
    ["an order that has not ended", { orders: [{ ...order, status: "PENDING" }], invoices: [] }, /1 is PENDING/],
    ["a confirmed order without its money", { orders: [{ ...order, paymentStatus: "FAILED" }] }, /FAILED/],
    ["two orders for one wish", { orders: [order, other] }, /for one wish/],
    ["a missing invoice", { invoices: [] }, /has 0 invoices/],
    ["a second invoice", { invoices: [...right.invoices, ...right.invoices] }, /has 2 invoices/],
    ["an invoice over another sum", { orders: [{ ...order, totals: { ...totals, gross: gbp(1) } }] }, /is over 306/],
    ["more sold than was there", { before: { A: stock(1, 3) } }, /oversold: 2 sold of 1/],
    ["a count that is not the sum of its parts", { after: { A: { ...stock(8, 5), onHand: 12 } } }, /12 on hand/],
    ["a reservation that stayed", { after: { A: { ...stock(7, 5), reserved: 1, onHand: 13 } } }, /still reserved/],
    ["units that nobody ordered", { after: { A: stock(7, 6) } }, /3 allocated by this run, its orders need 2/],
  ])("%s is found", (_what, wrong, said) => {
    expect(violations({ ...right, ...wrong })).toContainEqual(expect.stringMatching(said));
  });
});
