import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { OrderLine } from "../../../core/contracts/order.ts";
import { lineAmounts, sumAmounts } from "../../../core/kernel/money.ts";
import {
  claim,
  creditNoteOf,
  invoiceOf,
  issue,
  issued,
  numberOf,
  returned,
  uncredited,
  type InvoiceState,
} from "../../../services/billing/invoice.domain.ts";

const at = "2026-03-01T00:00:00.000Z";
const gbp = (amount: number) => ({ amount, currency: "GBP" });
const orderLine = (id: string, quantity: number, price: number, taxRate: number): OrderLine => ({
  id,
  sku: `S${id}`,
  name: `Thing ${id}`,
  quantity,
  unitPrice: gbp(price),
  taxRate,
  ...lineAmounts(gbp(price), quantity, taxRate),
});
const invoice = (lines: OrderLine[], payment: "CAPTURED" | null = "CAPTURED"): InvoiceState =>
  invoiceOf(
    "inv:42",
    {
      orderId: "42",
      number: "42",
      customerId: "c1",
      email: "a@example.org",
      currency: "GBP",
      lines,
      totals: sumAmounts(lines, "GBP"),
      placedAt: at,
      payment: payment === null ? null : { id: "pay:42", status: payment },
    },
    at,
  );
const details = { reason: "broken", externalNumber: null, externalIssuedAt: null };
const note = (id: string, state: InvoiceState) => creditNoteOf(id, { id: "inv:42", state }, details, at);
const part = (line: OrderLine, quantity: number): OrderLine => ({
  ...line,
  quantity,
  ...lineAmounts(line.unitPrice, quantity, line.taxRate),
});

const lines = fc.array(
  fc.record({
    quantity: fc.integer({ min: 1, max: 5 }),
    price: fc.nat(1_000),
    taxRate: fc.constantFrom(0, 725, 2_000),
  }),
  { minLength: 1, maxLength: 4 },
);

describe("An invoice", () => {
  it("is never credited by more than it says, line by line and in sum, whatever comes back how often", () => {
    fc.assert(
      fc.property(
        lines,
        fc.array(fc.record({ line: fc.nat(3), quantity: fc.integer({ min: 1, max: 6 }) }), { maxLength: 12 }),
        (made, returns) => {
          const sold = made.map(({ quantity, price, taxRate }, index) =>
            orderLine(String(index), quantity, price, taxRate),
          );
          let state = invoice(sold);
          const notes: InvoiceState[] = [];
          const credit = (id: string, wanted: Parameters<typeof claim>[2]) => {
            state = claim(state, id, wanted) ?? state;
            const made = note(id, state);
            if (made !== null) notes.push(made);
          };
          for (const [index, { line, quantity }] of returns.entries()) {
            const back = sold[line];
            if (back !== undefined) credit(`r${String(index)}`, returned([part(back, quantity)]));
          }
          credit("cancel", uncredited(state));
          const credited = sumAmounts(
            notes.map(({ totals }) => totals),
            "GBP",
          );
          expect(credited.net).toEqual(state.totals.net);
          expect(credited.tax.amount).toBeLessThanOrEqual(state.totals.tax.amount);
          for (const { lineId, quantity, gross } of state.lines) {
            const back = notes.flatMap(made => made.lines).filter(line => line.lineId === lineId);
            expect(back.reduce((sum, line) => sum + line.quantity, 0)).toBe(quantity);
            expect(back.reduce((sum, line) => sum + line.gross.amount, 0)).toBeLessThanOrEqual(gross.amount);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("gives a credit note once: the second claim of the same return takes nothing", () => {
    const line = orderLine("1", 3, 333, 2_000);
    const state = claim(invoice([line]), "r1", returned([part(line, 1)]));
    expect(state).not.toBeNull();
    expect(state === null ? null : claim(state, "r1", returned([part(line, 1)]))).toBeNull();
  });

  it("names what it credits in the credit note, in positive amounts at the order's price", () => {
    const line = orderLine("1", 3, 333, 2_000);
    const state = claim(invoice([line]), "r1", returned([part(line, 2)]));
    expect(state === null ? null : note("r1", state)).toMatchObject({
      type: "CREDIT_NOTE",
      references: "inv:42",
      customerId: "c1",
      series: "CN-2026",
      lines: [{ sku: "S1", quantity: 2, net: gbp(666), tax: gbp(133), gross: gbp(799) }],
      totals: { gross: gbp(799) },
    });
  });

  it.each([
    ["PAID when the payment was captured", [orderLine("1", 1, 100, 0)], "CAPTURED", "PAID"],
    ["PAID when there is nothing to pay", [orderLine("1", 1, 0, 0)], null, "PAID"],
    ["OPEN when nobody has paid", [orderLine("1", 1, 100, 0)], null, "OPEN"],
  ] as const)("is %s at issue", (_, sold, payment, status) => {
    const draft = invoice([...sold], payment);
    expect(draft.status).toBe("DRAFT");
    const decision = issue("inv:42", draft, { number: numberOf(draft.series, 7), issuedAt: at });
    expect(decision.ok && decision.events.reduce(issued, draft)).toMatchObject({ status, number: "INV-2026-000007" });
  });

  it("refuses a second number", () => {
    const draft = invoice([orderLine("1", 1, 100, 0)]);
    const decision = issue("inv:42", { ...draft, status: "PAID" }, { number: "INV-2026-000008", issuedAt: at });
    expect(decision).toMatchObject({ ok: false, refusal: { code: "WRONG_STATE" } });
  });
});
