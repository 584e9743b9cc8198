// What a payment's facts make of it, and which of them the world is told. Pure.
import type { DomainEvent } from "../../core/contracts/index.ts";
import { assertNever } from "../../core/kernel/assert-never.ts";
import { canMove } from "../../core/kernel/decider.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import { money } from "../../core/kernel/money.ts";
import {
  capturedOf,
  keysOf,
  paymentTransitions,
  refundedOf,
  type Operation,
  type PaymentDetails,
  type PaymentFact,
  type PaymentState,
  type PaymentStatus,
  type RefundOperation,
} from "./payment.domain.ts";

const intended = (key: string, amount: number): Operation => ({ key, amount, status: "PENDING" });
const ended = (operation: Operation | null, status: Operation["status"]): Operation | null =>
  operation === null ? null : { ...operation, status };

/** What ended otherwise stays as it is: a late outcome is recorded, but does not revive a payment. */
const moved = (state: PaymentState, to: PaymentStatus): PaymentState =>
  canMove(paymentTransitions, state.status, to) ? { ...state, status: to } : state;

function open(details: PaymentDetails, status: "CREATED" | "VOIDED"): PaymentState {
  const authorization = status === "VOIDED" ? null : intended(keysOf(details.orderId).authorize, details.amount.amount);
  const nothing = { declineCode: null, capture: null, release: null, refunds: [], dueAt: null, attempts: 0 };
  return { ...details, status, authorization, ...nothing };
}

const releasing = (state: PaymentState, dueAt: number): PaymentState => ({
  ...state,
  release: intended(keysOf(state.orderId).void, state.amount.amount),
  dueAt,
});

const withRefund = (state: PaymentState, id: string, status: Operation["status"]): PaymentState => ({
  ...state,
  refunds: state.refunds.map(refund => (refund.id === id ? { ...refund, status } : refund)),
});

const sooner = (one: number | null, other: number): number => (one === null ? other : Math.min(one, other));

function after(state: PaymentState, fact: Exclude<PaymentFact, { type: "opened" }>): PaymentState {
  const captureKey = keysOf(state.orderId).capture;
  switch (fact.type) {
    case "authorized":
      return moved({ ...state, authorization: ended(state.authorization, "SUCCEEDED") }, "AUTHORIZED");
    case "authorizationDeclined":
      return moved({ ...state, authorization: ended(state.authorization, "FAILED"), declineCode: fact.code }, "FAILED");
    case "captureIntended":
      return { ...state, capture: intended(captureKey, state.amount.amount) };
    case "captured":
      return moved({ ...state, capture: ended(intended(captureKey, state.amount.amount), "SUCCEEDED") }, "CAPTURED");
    case "captureDeclined": {
      const declined = moved({ ...state, capture: ended(state.capture, "FAILED"), declineCode: fact.code }, "FAILED");
      // The authorisation still holds the customer's money.
      return declined.release === null ? releasing(declined, fact.dueAt) : declined;
    }
    case "voided":
      return moved(releasing(state, fact.dueAt), "VOIDED");
    case "released":
      return { ...state, release: ended(state.release, "SUCCEEDED") };
    case "releaseRefused":
      return { ...state, release: ended(state.release, "FAILED") };
    case "refundIntended":
      return { ...state, refunds: [...state.refunds, fact.refund], dueAt: sooner(state.dueAt, fact.dueAt) };
    case "refunded": {
      const next = withRefund(state, fact.id, "SUCCEEDED");
      return moved(next, refundedOf(next) === capturedOf(next) ? "REFUNDED" : "PARTIALLY_REFUNDED");
    }
    case "refundDeclined":
      return withRefund(state, fact.id, "FAILED");
    case "attempted":
      return { ...state, dueAt: fact.retryAt, attempts: state.attempts + 1 };
    default:
      return assertNever(fact);
  }
}

/** What the sweep has to ask the provider. */
export function outstanding(state: PaymentState): { release: Operation | null; refunds: RefundOperation[] } {
  const release = state.release?.status === "PENDING" ? state.release : null;
  return { release, refunds: state.refunds.filter(refund => refund.status === "PENDING") };
}

/** @throws RangeError for a fact about a payment that was never opened, which `decide` does not give. */
export function evolve(state: PaymentState | null, fact: PaymentFact): PaymentState {
  if (fact.type === "opened") return open(fact.details, fact.status);
  if (state === null) throw new RangeError(`${fact.type} of a payment that does not exist`);
  const next = after(state, fact);
  const { release, refunds } = outstanding(next);
  return release === null && refunds.length === 0 ? { ...next, dueAt: null, attempts: 0 } : next;
}

/** `state` is the one after the fact. Money that was taken and given back after the end of a payment is nobody's event. */
export function published(fact: PaymentFact, state: PaymentState): DomainEvent[] {
  const { orderId, status, amount } = state;
  const whose = { paymentId: paymentIdOf(orderId), orderId, status };
  if (fact.type === "voided" || (fact.type === "opened" && fact.status === "VOIDED"))
    return [{ type: "payment.voided.v1", data: { ...whose, amount } }];
  if (fact.type === "captured" && status === "CAPTURED")
    return [{ type: "payment.captured.v1", data: { ...whose, amount } }];
  if ((fact.type === "authorizationDeclined" || fact.type === "captureDeclined") && status === "FAILED")
    return [{ type: "payment.failed.v1", data: { ...whose, amount, declineCode: fact.code } }];
  if (fact.type !== "refunded" || (status !== "REFUNDED" && status !== "PARTIALLY_REFUNDED")) return [];
  const refund = state.refunds.find(({ id }) => id === fact.id);
  const data = {
    ...whose,
    amount: money(refund?.amount ?? 0, amount.currency),
    refundId: fact.id,
    refunded: money(refundedOf(state), amount.currency),
  };
  return [{ type: "payment.refunded.v1", data }];
}
