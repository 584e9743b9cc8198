import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { canMove } from "../../../core/kernel/decider.ts";
import {
  capturedOf,
  decide,
  keysOf,
  paymentTransitions,
  refundable,
  refundedOf,
  type PaymentCommand,
  type PaymentDetails,
  type PaymentState,
} from "../../../services/billing/payment.domain.ts";
import { evolve, outstanding, published } from "../../../services/billing/payment.evolution.domain.ts";
import type { Outcome } from "../../../services/billing/provider.port.ts";

const at = "2026-01-01T00:00:00.000Z";
const details: PaymentDetails = {
  orderId: "42",
  customerId: "c1",
  amount: { amount: 1_000, currency: "GBP" },
  method: "pm_card_visa",
  createdAt: at,
};
const keys = keysOf("42");
const approved: Outcome = { status: "approved", ref: "r" };
const declined: Outcome = { status: "declined", code: "generic_decline" };

const authorize: PaymentCommand = { type: "authorize", details };
const capture: PaymentCommand = { type: "capture" };
const voiding: PaymentCommand = { type: "void", details, now: 5 };
const settle = (key: string, outcome: Outcome): PaymentCommand => ({ type: "settle", key, outcome, now: 5, at });
const refund = (id: string, amount: number | null, orLess = false): PaymentCommand => ({
  type: "refund",
  refund: { id, reason: "broken", requestedAt: at, fingerprint: "" },
  amount,
  orLess,
  dueAt: 9,
});

const ids = ["a", "b", "c"];
const command: fc.Arbitrary<PaymentCommand> = fc.oneof(
  fc.constantFrom(authorize, capture, voiding),
  fc
    .record({
      id: fc.constantFrom(...ids),
      amount: fc.option(fc.integer({ min: 1, max: 1_200 })),
      orLess: fc.boolean(),
    })
    .map(({ id, amount, orLess }) => refund(id, amount, orLess)),
  fc
    .record({
      key: fc.constantFrom(
        keys.authorize,
        keys.capture,
        keys.void,
        keys.refund("re:void:42"),
        ...ids.map(id => keys.refund(id)),
      ),
      outcome: fc.constantFrom(approved, approved, declined),
    })
    .map(({ key, outcome }) => settle(key, outcome)),
  fc.record({ type: fc.constant("attempt" as const), now: fc.nat(20), retryAt: fc.integer({ min: 21, max: 40 }) }),
);
/** Long enough into the life of a payment that money moves in most runs. */
const history = fc
  .record({ start: fc.nat(4), rest: fc.array(command, { maxLength: 30 }) })
  .map(({ start, rest }) => [
    ...[authorize, settle(keys.authorize, approved), capture, settle(keys.capture, approved)].slice(0, start),
    ...rest,
  ]);

function handled(state: PaymentState | null, one: PaymentCommand): PaymentState | null {
  const decision = decide(one, state);
  return decision.ok ? decision.events.reduce<PaymentState | null>(evolve, state) : state;
}
const after = (...commands: readonly PaymentCommand[]) => commands.reduce<PaymentState | null>(handled, null);
const refusalOf = (one: PaymentCommand, state: PaymentState | null): string | null => {
  const decision = decide(one, state);
  return decision.ok ? null : decision.refusal.code;
};
const captured = [authorize, settle(keys.authorize, approved), capture, settle(keys.capture, approved)];

describe("A payment", () => {
  it("never has more refunded or about to be than was captured, whatever is asked in whatever order", () => {
    fc.assert(
      fc.property(history, commands => {
        let state: PaymentState | null = null;
        for (const one of commands) {
          state = handled(state, one);
          if (state === null) continue;
          expect(refundable(state)).toBeGreaterThanOrEqual(0);
          expect(refundedOf(state)).toBeLessThanOrEqual(capturedOf(state));
          expect(capturedOf(state)).toBeLessThanOrEqual(details.amount.amount);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes its status only along the transition table", () => {
    fc.assert(
      fc.property(history, commands => {
        let state: PaymentState | null = null;
        for (const one of commands) {
          const next: PaymentState | null = handled(state, one);
          if (state !== null && next !== null && next.status !== state.status)
            expect([state.status, next.status, canMove(paymentTransitions, state.status, next.status)]).toEqual([
              state.status,
              next.status,
              true,
            ]);
          state = next;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("is not changed by a command that comes a second time", () => {
    fc.assert(
      fc.property(history, command, (commands, again) => {
        const once = handled(after(...commands), again);
        expect(handled(once, again)).toEqual(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps nothing of what was captured after its end: all of it is given back or about to be", () => {
    fc.assert(
      fc.property(history, commands => {
        const state = after(...commands);
        if (state === null || (state.status !== "VOIDED" && state.status !== "FAILED")) return;
        const lost = state.refunds.filter(({ status }) => status === "FAILED");
        if (lost.length === 0) expect(refundable(state)).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is due exactly while there is something to ask the provider", () => {
    fc.assert(
      fc.property(history, commands => {
        const state = after(...commands);
        if (state === null) return;
        const { release, refunds } = outstanding(state);
        expect(state.dueAt !== null).toBe(release !== null || refunds.length > 0);
      }),
    );
  });

  it("writes each intent down before the provider is asked", () => {
    expect(after(authorize)?.authorization).toEqual({ key: keys.authorize, amount: 1_000, status: "PENDING" });
    expect(after(...captured.slice(0, 3))?.capture).toEqual({ key: keys.capture, amount: 1_000, status: "PENDING" });
    const [pending] = after(...captured, refund("a", 300))?.refunds ?? [];
    expect(pending).toMatchObject({ key: keys.refund("a"), amount: 300, status: "PENDING" });
  });

  it.each([
    ["a late authorise after a void", [voiding], authorize, "PAYMENT_VOIDED"],
    ["a capture after a void", [authorize, voiding], capture, "PAYMENT_VOIDED"],
    [
      "an authorise that was declined before",
      [authorize, settle(keys.authorize, declined)],
      authorize,
      "PAYMENT_DECLINED",
    ],
    [
      "a capture that was declined before",
      [...captured.slice(0, 3), settle(keys.capture, declined)],
      capture,
      "PAYMENT_DECLINED",
    ],
    ["a capture before the authorisation is known", [authorize], capture, "WRONG_STATE"],
    ["a capture of nothing", [], capture, "PAYMENT_NOT_FOUND"],
    ["a refund of more than was captured", captured, refund("a", 1_001), "REFUND_EXCEEDS_CAPTURE"],
    ["a refund beside a pending one", [...captured, refund("a", 700)], refund("b", 301), "REFUND_EXCEEDS_CAPTURE"],
    [
      "a refund of all when nothing is left",
      [...captured, refund("a", null)],
      refund("b", null),
      "REFUND_EXCEEDS_CAPTURE",
    ],
    ["a refund before the capture", [authorize], refund("a", 1), "REFUND_EXCEEDS_CAPTURE"],
  ])("refuses %s", (_, before, one, code) => {
    expect(refusalOf(one, after(...before))).toBe(code);
  });

  it("counts a refund that the provider declined as never asked", () => {
    const state = after(...captured, refund("a", 700), settle(keys.refund("a"), declined));
    expect(state?.status).toBe("CAPTURED");
    expect(refusalOf(refund("b", 1_000), state)).toBeNull();
  });

  it("releases the authorisation when its capture is declined", () => {
    const state = after(...captured.slice(0, 3), settle(keys.capture, declined));
    expect(state).toMatchObject({ status: "FAILED", declineCode: "generic_decline", dueAt: 5 });
    expect(state?.release).toEqual({ key: keys.void, amount: 1_000, status: "PENDING" });
  });

  it("gives back the whole capture when it is voided after it", () => {
    const state = after(...captured, refund("a", 300), voiding);
    expect(state?.refunds.map(({ amount }) => amount)).toEqual([300, 700]);
  });

  it("gives back what the provider had captured before the void came", () => {
    const late = after(...captured.slice(0, 3), voiding, settle(keys.void, declined));
    expect(late).toMatchObject({ status: "VOIDED", refunds: [{ amount: 1_000, status: "PENDING" }] });
    const told = after(...captured.slice(0, 3), voiding, settle(keys.capture, approved), settle(keys.void, declined));
    expect(told?.refunds).toHaveLength(1);
  });

  it("tells of money once: captured, then each refund with the sum so far", () => {
    let state: PaymentState | null = null;
    const events = [
      ...captured,
      refund("a", 300),
      settle(keys.refund("a"), approved),
      refund("b", null),
      settle(keys.refund("b"), approved),
    ].flatMap(one => {
      const decision = decide(one, state);
      if (!decision.ok) throw new Error(decision.refusal.detail);
      return decision.events.flatMap(fact => {
        state = evolve(state, fact);
        return published(fact, state);
      });
    });
    expect(events.map(({ type, data }) => ({ type, ...data }))).toMatchObject([
      { type: "payment.captured.v1", amount: { amount: 1_000 }, status: "CAPTURED" },
      { type: "payment.refunded.v1", amount: { amount: 300 }, refunded: { amount: 300 }, status: "PARTIALLY_REFUNDED" },
      { type: "payment.refunded.v1", amount: { amount: 700 }, refunded: { amount: 1_000 }, status: "REFUNDED" },
    ]);
  });
});
