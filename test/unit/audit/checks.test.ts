// What the audit calls a violation, and what not.
import { describe, expect, it } from "@jest/globals";
import type { ChargeFacts, InvoiceFacts, OrderFacts, PaymentFacts, StockFacts } from "../../../core/contracts/audit.ts";
import { judgeArrival } from "../../../services/audit/arrival.domain.ts";
import { judgeCharge, judgePayment } from "../../../services/audit/charges.domain.ts";
import { emptyFold, type Fold } from "../../../services/audit/fold.domain.ts";
import {
  judgeBeyond,
  judgeEnd,
  judgeInvoice,
  judgeNumber,
  judgeOrder,
  type Reached,
} from "../../../services/audit/invoices.domain.ts";
import { judgeStock } from "../../../services/audit/stock.domain.ts";

const document = { id: "1", version: 1, seq: 1, pending: null };
const at = "2026-01-01T00:00:00.000Z";

describe("Stock", () => {
  const sound: StockFacts = {
    ...{ ...document, id: "A", seq: 4, onHand: 10, reserved: 2, allocated: 3 },
    held: { reserved: 2, allocated: 3 },
  };
  const known = (seq: number, counts: Fold["counts"]): Fold => ({
    ...emptyFold,
    seqs: [{ aggregate: "stock:A", seq }],
    counts,
  });

  it("is sound when counts, reservations and events agree", () => {
    expect(judgeStock(sound, known(4, { onHand: 10, reserved: 2, allocated: 3 }))).toBeNull();
  });

  it("is compared with the log at the same number only", () => {
    const other = { onHand: 0, reserved: 0, allocated: 0 };
    expect(judgeStock(sound, known(3, other))).toBeNull();
    expect(judgeStock(sound, known(5, other))).toBeNull();
    expect(judgeStock(sound, { ...known(5, other), watched: { ...other, seq: 4 } })).not.toBeNull();
    expect(judgeStock(sound, known(4, other))).toMatchObject({ check: "stock", subject: "stock:A" });
  });

  it.each([
    ["less on hand than promised", { onHand: 4 }],
    ["a negative count", { reserved: -1, held: { reserved: -1, allocated: 3 } }],
    ["reserved beside the reservations", { held: { reserved: 1, allocated: 3 } }],
    ["allocated beside the reservations", { held: { reserved: 2, allocated: 4 } }],
    ["stock without any event", { seq: 0 }],
  ])("is not sound with %s", (_, change: Partial<StockFacts>) => {
    expect(judgeStock({ ...sound, ...change }, null)).not.toBeNull();
  });
});

describe("Charges", () => {
  const order: OrderFacts = {
    ...{ ...document, status: "CONFIRMED", createdAt: at, gross: 100, sagaDueAt: null },
  };
  const capture = { key: "pay:1:capture", type: "CAPTURE", amount: 100, status: "SUCCEEDED" } as const;
  const line = { key: capture.key, type: "CAPTURE", amount: 100, approved: true, at } as const;
  const refund = { key: "pay:1:refund:r", type: "REFUND", amount: 100, status: "PENDING" } as const;
  const paid: PaymentFacts = {
    ...{ ...document, id: "pay:1", orderId: "1", status: "CAPTURED" },
    operations: [capture],
    ledger: [line],
  };

  it("agree when the provider has what billing has", () => {
    expect(judgePayment(paid, order)).toBeNull();
    expect(judgeCharge({ ...line, orderId: "1", operations: [capture] }, at)).toBeNull();
  });

  it.each([
    ["nothing in the ledger", { ledger: [] }, {}],
    ["another amount", { ledger: [{ ...line, amount: 99 }] }, {}],
    ["a refusal that the provider does not know of", { operations: [{ ...capture, status: "FAILED" as const }] }, {}],
    ["no charge for a confirmed order", { operations: [], ledger: [] }, {}],
    ["another amount than the order costs", {}, { gross: 101 }],
    ["money kept for a rejected order", {}, { status: "REJECTED" }],
    ["money kept for a cancelled order", {}, { status: "CANCELLED" }],
  ])("do not agree with %s", (_, payment: Partial<PaymentFacts>, change: Partial<OrderFacts>) => {
    expect(judgePayment({ ...paid, ...payment }, { ...order, ...change })).toMatchObject({ subject: "payment:pay:1" });
  });

  it("may be on their way: a pending call, a pending refund, an order that still runs", () => {
    const asking = { ...paid, operations: [{ ...capture, status: "PENDING" as const }], ledger: [] };
    expect(judgePayment(asking, { ...order, status: "PENDING" })).toBeNull();
    expect(judgePayment(paid, { ...order, status: "PENDING" })).toBeNull();
    expect(judgePayment({ ...paid, operations: [capture, refund] }, { ...order, status: "CANCELLED" })).toBeNull();
  });

  it("for an order that does not exist are a violation once money was taken", () => {
    expect(judgePayment(paid, undefined)).not.toBeNull();
    expect(judgePayment({ ...paid, operations: [], ledger: [] }, undefined)).toBeNull();
  });

  const known: ChargeFacts = { ...line, orderId: "1", operations: [capture] };
  it.each([
    ["without a payment", { operations: null }, "no payment"],
    ["a second time", { key: "pay:1:capture:2" }, "second time"],
    ["that billing did not ask for", { operations: [] }, "did not ask"],
    ["that billing never noticed", { operations: [{ ...capture, status: "PENDING" as const }] }, "not noticed"],
  ])("at the provider %s are a violation", (_, change: Partial<ChargeFacts>, detail) => {
    expect(judgeCharge({ ...known, ...change }, "2026-01-02")?.detail).toContain(detail);
  });

  it("at the provider that were refused, or happened just now, are none", () => {
    expect(judgeCharge({ ...known, approved: false, operations: null }, at)).toBeNull();
    expect(judgeCharge({ ...known, operations: [{ ...capture, status: "PENDING" }] }, at)).toBeNull();
  });
});

describe("Invoices", () => {
  const order: OrderFacts = { ...document, status: "CONFIRMED", createdAt: at, gross: 100, sagaDueAt: null };
  const invoice: InvoiceFacts = {
    ...{ ...document, id: "inv:1", number: "INV-2026-000001", type: "INVOICE", status: "PAID", orderId: "1" },
    gross: 100,
  };

  it.each(["CONFIRMED", "COMPLETED", "CANCELLED"])("one for an order that is %s", status => {
    expect(judgeOrder({ ...order, status }, invoice)).toBeNull();
    expect(judgeOrder({ ...order, status }, undefined)).not.toBeNull();
    expect(judgeOrder({ ...order, status }, { ...invoice, status: "DRAFT" })).not.toBeNull();
    expect(judgeOrder({ ...order, status }, { ...invoice, gross: 99 })).not.toBeNull();
  });

  it.each(["PENDING", "REJECTED"])("none for an order that is %s", status => {
    expect(judgeOrder({ ...order, status }, undefined)).toBeNull();
    expect(judgeOrder({ ...order, status }, invoice)).not.toBeNull();
  });

  it("no second one, none for an order that is not there; credit notes are others", () => {
    expect(judgeInvoice(invoice, order)).toBeNull();
    expect(judgeInvoice({ ...invoice, id: "inv:2" }, order)?.detail).toContain("second invoice");
    expect(judgeInvoice(invoice, undefined)).not.toBeNull();
    expect(judgeInvoice({ ...invoice, id: "cn:1", type: "CREDIT_NOTE" }, order)).toBeNull();
  });
});

describe("Numbers", () => {
  const series = { series: "INV-2026", last: 4, inFlight: 0 };
  const numbers = (...given: readonly string[]) => {
    let reached: Reached = new Map();
    const found = given.map(number => {
      const judged = judgeNumber(series, reached, { id: number, number: `INV-2026-${number}` });
      reached = judged.reached;
      return judged.found;
    });
    return { reached, found: [...found, ...judgeEnd(series, reached)].flatMap(each => each?.subject ?? []) };
  };

  it("from 1 to the counter are whole", () => {
    expect(numbers("000001", "000002", "000003", "000004").found).toEqual([]);
  });

  it("are missing at the beginning, between and at the end", () => {
    expect(numbers("000002", "000003", "000004").found).toEqual(["series:INV-2026:1"]);
    expect(numbers("000001", "000004").found).toEqual(["series:INV-2026:2"]);
    expect(numbers("000001", "000002").found).toEqual(["series:INV-2026:3"]);
    expect(numbers().found).toEqual(["series:INV-2026:1"]);
  });

  it("are given once, and written as ours", () => {
    expect(numbers("000001", "000002", "000002", "000003", "000004").found).toEqual(["series:INV-2026:twice:2"]);
    expect(numbers("0000001", "000001", "000002", "000003", "000004").found).toEqual(["series:INV-2026:id:0000001"]);
  });

  it("above the counter may be in flight, but no more than fly", () => {
    const { reached, found } = numbers("000001", "000002", "000003", "000004", "000006");
    expect(found).toEqual([]);
    expect(judgeBeyond({ ...series, inFlight: 2 }, reached)).toBeNull();
    expect(judgeBeyond({ ...series, inFlight: 1 }, reached)).not.toBeNull();
  });

  it("of seven digits stand between those of six", () => {
    const large = { ...series, last: 1_000_001 };
    const reached = new Map([
      [6, 999_999],
      [7, 1_000_001],
    ]);
    expect(judgeEnd(large, reached)).toEqual([]);
    expect(judgeEnd(large, new Map([[6, 999_999]])).map(({ subject }) => subject)).toEqual(["series:INV-2026:1000000"]);
  });
});

describe("Events", () => {
  const arrived = (seq: number): Fold => ({ ...emptyFold, seqs: [{ aggregate: "order:1", seq }] });

  it("have arrived when the log is where the document is", () => {
    expect(judgeArrival("order:1", { seq: 3, pending: 0 }, arrived(3), null)).toBeNull();
  });

  it("that wait in the outbox are not missing", () => {
    expect(judgeArrival("order:1", { seq: 3, pending: 2 }, arrived(1), null)).toBeNull();
    expect(judgeArrival("order:1", { seq: 3, pending: 1 }, arrived(1), null)).toMatchObject({ until: 2 });
  });

  it("are waited for up to where the first look was", () => {
    expect(judgeArrival("order:1", { seq: 9, pending: 0 }, arrived(3), 3)).toBeNull();
    expect(judgeArrival("order:1", { seq: 9, pending: 0 }, arrived(2), 3)).not.toBeNull();
  });

  it("are missing where the log has a hole, and too many where the document knows nothing of them", () => {
    const holes = [{ aggregate: "order:1", from: 1, to: 1 }];
    expect(judgeArrival("order:1", { seq: 3, pending: 0 }, { ...arrived(3), holes }, null)).not.toBeNull();
    expect(judgeArrival("order:2", { seq: 0, pending: 0 }, { ...arrived(3), holes }, null)).toBeNull();
    expect(judgeArrival("order:1", { seq: 2, pending: 0 }, arrived(3), null)?.detail).toContain("put back");
  });
});
