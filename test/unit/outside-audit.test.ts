import { describe, expect, it } from "@jest/globals";
import type { Invoice, Payment } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Order } from "../../core/contracts/order.ts";
import { reportOf } from "../../scripts/support/load-report.ts";
import type { Attempt, Placed } from "../../scripts/support/load.ts";
import { violations, type Known, type Shown } from "../support/outside-audit.ts";

const money = (amount: number) => ({ amount, currency: "GBP" });
const totals = { net: money(255), tax: money(0), gross: money(255) };

const order = (n: number, changes: Partial<Order> = {}): Order => ({
  ...{ id: `o${String(n)}`, number: String(n), status: "CONFIRMED", paymentStatus: "CAPTURED" },
  ...{ fulfillmentStatus: "UNFULFILLED", customerId: null, email: `k${String(n)}@load.example`, currency: "GBP" },
  lines: [{ id: "1", sku: "A", name: "A", quantity: 1, unitPrice: money(255), taxRate: 0, ...totals }],
  ...{ totals, payment: { id: `pay:o${String(n)}`, status: "CAPTURED" }, invoiceId: `inv:o${String(n)}` },
  ...{ rejection: null, shipments: [], returns: [], placedAt: "", createdAt: "", version: 1 },
  ...changes,
});
const invoice = (n: number, changes: Partial<Invoice> = {}): Invoice => ({
  ...{ id: `inv:o${String(n)}`, number: `INV-2026-00${String(n)}`, type: "INVOICE", status: "PAID" },
  ...{ orderId: `o${String(n)}`, customerId: null, references: null, currency: "GBP", lines: [], totals },
  ...{ reason: null, externalNumber: null, externalIssuedAt: null, issuedAt: "", version: 1 },
  ...changes,
});
const payment = (n: number, changes: Partial<Payment> = {}): Payment => ({
  ...{ id: `pay:o${String(n)}`, orderId: `o${String(n)}`, status: "CAPTURED", amount: money(255) },
  ...{ captured: money(255), refunded: money(0), refunds: [], method: "pm_card_visa", declineCode: null },
  ...{ createdAt: "", version: 1 },
  ...changes,
});
const stock = (changes: Partial<StockItem> = {}): StockItem => ({
  ...{ sku: "A", onHand: 10, reserved: 0, allocated: 2, available: 8, version: 1 },
  ...changes,
});

const attempt = (changes: Partial<Attempt> = {}): Attempt => ({
  ...{ url: "http://a", at: 0, ms: 5, status: 201, code: null, retryAfter: null },
  order: { id: "o1", status: "CONFIRMED" },
  ...changes,
});
const asked = (n: number, ...attempts: Attempt[]): Placed => ({
  ...{ key: `k${String(n)}`, email: `k${String(n)}@load.example`, sku: "A" },
  attempts: attempts.length > 0 ? attempts : [attempt({ order: { id: `o${String(n)}`, status: "CONFIRMED" } })],
});

const whole: Shown = {
  orders: [order(1), order(2)],
  invoices: [invoice(1), invoice(2)],
  payments: [payment(1), payment(2)],
  stock: [stock()],
};
const known: Known = { placed: [asked(1), asked(2)], received: new Map([["A", 10]]) };

describe("The audit from outside", () => {
  it("finds nothing where everything holds", () => {
    expect(violations(whole, known)).toEqual([]);
    const rejected = order(3, { status: "REJECTED", invoiceId: null });
    const voided = payment(3, { status: "VOIDED", captured: money(0) });
    const shown = { ...whole, orders: [...whole.orders, rejected], payments: [...whole.payments, voided] };
    expect(violations(shown, known)).toEqual([]);
  });

  it.each<[string, Partial<Shown>, Partial<Known>, RegExp]>([
    ["a lost order", { orders: [order(1)] }, {}, /k2: the accepted order o2 is lost/],
    [
      "two orders for one key",
      {},
      { placed: [asked(1, attempt(), attempt({ order: { id: "o2", status: "CONFIRMED" } }))] },
      /k1: was answered with 2 orders/,
    ],
    [
      "a second order for a wish",
      { orders: [order(1), order(2, { email: "k1@load.example" })] },
      {},
      /2 orders for one wish of k1/,
    ],
    [
      "an answer that was taken back",
      { orders: [order(1), order(2, { status: "REJECTED", invoiceId: null })] },
      {},
      /o2 was answered CONFIRMED and is REJECTED/,
    ],
    ["a saga that never ended", { orders: [order(1), order(2, { status: "PENDING" })] }, {}, /o2 is still PENDING/],
    ["a missing invoice", { invoices: [invoice(1)] }, {}, /o2 is CONFIRMED and has 0 invoices/],
    [
      "a second invoice",
      { invoices: [invoice(1), invoice(2), invoice(2, { id: "inv:x", number: "INV-2026-003" })] },
      {},
      /o2 is CONFIRMED and has 2 invoices/,
    ],
    [
      "an invoice with another total",
      { invoices: [invoice(1), invoice(2, { totals: { ...totals, gross: money(1) } })] },
      {},
      /o2: its invoice has another total/,
    ],
    [
      "a gap",
      { invoices: [invoice(1), invoice(2, { number: "INV-2026-003" })] },
      {},
      /number 3 stands where 2 belongs/,
    ],
    [
      "a number given twice",
      { invoices: [invoice(1), invoice(2, { number: "INV-2026-001" })] },
      {},
      /number 1 stands where 2 belongs/,
    ],
    ["a sale without its money", { payments: [payment(1)] }, {}, /o2 is CONFIRMED, 0 of 255 taken/],
    [
      "a second charge",
      { payments: [payment(1), payment(2), payment(2, { id: "pay:again" })] },
      {},
      /o2 is CONFIRMED, 510 of 255 taken/,
    ],
    ["a payment for nothing", { payments: [payment(1), payment(2), payment(9)] }, {}, /pay:o9: a payment for no order/],
    [
      "money kept for a rejected order",
      { orders: [order(1), order(2, { status: "REJECTED" })] },
      {},
      /o2 is REJECTED, 255 is kept/,
    ],
    ["more sold than there was", {}, { received: new Map([["A", 1]]) }, /A: oversold: 2 sold of 1/],
    ["stock from nowhere", { stock: [stock({ onHand: 11, available: 9 })] }, {}, /A: 11 on hand, movements .* 10/],
    ["stock held for nobody", { stock: [stock({ allocated: 3, available: 7 })] }, {}, /3 allocated, orders need 2/],
    ["a reservation that stays", { stock: [stock({ reserved: 1, available: 7 })] }, {}, /1 still reserved/],
  ])("finds %s", (_, shown, knows, sentence) => {
    const found = violations({ ...whole, ...shown }, { ...known, ...knows });
    expect(found.some(each => sentence.test(each))).toBe(true);
  });
});

describe("The report of a load", () => {
  it("counts what became of each order after its last answer", () => {
    const gone = attempt({ status: null, code: "ECONNRESET", order: null, ms: 1 });
    const report = reportOf(
      [
        asked(1, gone, attempt({ ms: 40 })),
        asked(2, attempt({ status: 202, order: { id: "o2", status: "PENDING" } })),
        asked(3, attempt({ status: 422, code: "UNKNOWN_SKU", order: null })),
        asked(4, attempt({ status: 503, order: null }), gone),
      ],
      2,
    );
    expect(report).toMatchObject({ sent: 4, accepted: 2, refused: 1, failed: 1, retried: 2, perSecond: 1 });
    expect(report.answers).toEqual({ ECONNRESET: 2, 201: 1, 202: 1, 422: 1, 503: 1 });
    expect(report.latency.max).toBe(40);
    expect([...report.orders]).toEqual([
      ["k1", "o1"],
      ["k2", "o2"],
    ]);
  });
});
