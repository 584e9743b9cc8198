import { describe, expect, it } from "@jest/globals";
import type { EventData } from "../../../core/contracts/index.ts";
import { formatMoney, render, type MailedEvent } from "../../../services/notification/notification.templates.ts";

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const amounts = { net: gbp(1530), tax: gbp(306), gross: gbp(1836) };
const line = { sku: "85123A", quantity: 6, unitPrice: gbp(255), taxRate: 2000, ...amounts };
const order = { orderId: "o1", number: "536365", customerId: "c1", email: "ann@example.org", currency: "GBP" };
const placedAt = "2026-01-01T00:00:00.000Z";
const issued = {
  id: "inv:o1",
  number: "INV-2026-000001",
  orderId: "o1",
  customerId: "c1",
  email: "ann@example.org",
  lines: [{ ...line, description: "White Hanging Heart" }],
  totals: amounts,
  issuedAt: placedAt,
};
const shipped = { id: "s1", lines: [{ lineId: "1", sku: "85123A", quantity: 6 }], shippedAt: placedAt };
const returned = { id: "r1", lines: shipped.lines, reason: "broken", restock: false, number: null, returnedAt: null };

const samples: { [T in MailedEvent]: EventData<T> } = {
  "account.registered.v1": { accountId: "a1", customerId: "c1", email: "ann@example.org", name: "Ann & Co" },
  "order.confirmed.v1": {
    ...order,
    lines: [{ ...line, id: "1", name: "White <Hanging> Heart" }],
    totals: amounts,
    placedAt,
    payment: null,
  },
  "order.rejected.v1": { ...order, code: "OUT_OF_STOCK", detail: "85123A: 6 wanted, 2 left" },
  "order.cancelled.v1": { ...order, reason: "changed my mind", lines: shipped.lines },
  "order.shipped.v1": { ...order, shipment: { ...shipped, trackingNumber: "TRACK-1" }, fulfillmentStatus: "SHIPPED" },
  "order.returned.v1": { ...order, return: { ...returned, recordedAt: placedAt }, credit: [] },
  "invoice.issued.v1": issued,
  "creditnote.issued.v1": {
    ...issued,
    number: "CN-2026-000001",
    references: "inv:o1",
    reason: "broken",
    restock: false,
  },
  "payment.refunded.v1": {
    paymentId: "pay:o1",
    orderId: "o1",
    amount: gbp(255),
    status: "PARTIALLY_REFUNDED",
    refundId: "r1",
    refunded: gbp(300),
  },
};

describe("the mail about", () => {
  const text = <T extends MailedEvent>(
    type: T,
    changes: Partial<EventData<T>> = {},
    number: string | null = "536365",
  ) => render(type, { ...samples[type], ...changes }, number);

  it.each(Object.keys(samples) as MailedEvent[])("%s is whole: a subject, a text, nothing left out", type => {
    const { subject, body } = text(type);
    expect(subject).toMatch(/^\S.*\S$/);
    expect(body).toMatch(/^\S[^]*\S\n$/);
    expect(subject + body).not.toMatch(/undefined|null|NaN|\[object|<%|%>|\n\n\n|Subject:/);
  });

  it("a confirmed order names what was bought and what it costs, as plain text", () => {
    const { subject, body } = text("order.confirmed.v1");
    expect(subject).toBe("Order 536365 is confirmed");
    expect(body).toContain("  6 x White <Hanging> Heart  £18.36\n");
    expect(body).toContain("Total  £18.36 (of which tax £3.06)");
  });

  it("a shipment tells whether more follows, and the tracking number only when there is one", () => {
    expect(text("order.shipped.v1").body).toContain("Tracking number: TRACK-1");
    const shipment = { ...shipped, trackingNumber: null };
    const part = text("order.shipped.v1", { shipment, fulfillmentStatus: "PARTIALLY_FULFILLED" }).body;
    expect(part).toContain("the rest follows");
    expect(part).not.toContain("Tracking");
  });

  it("a refund names the order where it is known", () => {
    expect(text("payment.refunded.v1").body).toContain("refunded £2.55 for order 536365.");
    expect(text("payment.refunded.v1", {}, null).body).toContain("refunded £2.55.");
  });
});

describe("money in a mail", () => {
  it.each([
    [255, "GBP", "£2.55"],
    [0, "GBP", "£0.00"],
    [-5, "EUR", "-€0.05"],
    [300, "JPY", "JP¥300"],
    [1234, "KWD", "KWD\u00a01.234"],
    [9_007_199_254_740_991, "GBP", "£90,071,992,547,409.91"],
  ])("%d %s is %s", (amount, currency, text) => {
    expect(formatMoney({ amount, currency })).toBe(text);
  });
});
