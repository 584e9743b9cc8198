// What may happen to a payment. Every provider call is a fact before it is made (PENDING), and again when its outcome is known.
import type { Payment } from "../../core/contracts/billing.ts";
import { assertNever } from "../../core/kernel/assert-never.ts";
import { accept, refuse, type Decision, type Transitions } from "../../core/kernel/decider.ts";
import { refusal, type Refusal } from "../../core/kernel/errors.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import type { Money } from "../../core/kernel/money.ts";
import type { Outcome } from "./provider.port.ts";

export type PaymentStatus = Payment["status"];

export const paymentTransitions: Transitions<PaymentStatus> = {
  CREATED: ["AUTHORIZED", "VOIDED", "FAILED"],
  AUTHORIZED: ["CAPTURED", "VOIDED", "FAILED"],
  CAPTURED: ["PARTIALLY_REFUNDED", "REFUNDED"],
  PARTIALLY_REFUNDED: ["REFUNDED"],
  REFUNDED: [],
  VOIDED: [],
  FAILED: [],
};

/** One provider call, written down before it is made. Amounts are minor units of the payment's currency. */
export interface Operation {
  readonly key: string;
  readonly amount: number;
  readonly status: "PENDING" | "SUCCEEDED" | "FAILED";
}

export interface RefundOperation extends Operation {
  readonly id: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly requestedAt: string;
  /** Of the request that asked for it; "" without a key. */
  readonly fingerprint: string;
}

export interface PaymentDetails {
  readonly orderId: string;
  readonly customerId: string | null;
  readonly amount: Money;
  readonly method: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

export interface PaymentState extends PaymentDetails {
  readonly status: PaymentStatus;
  readonly declineCode: string | null;
  /** Null only when the void came first. */
  readonly authorization: Operation | null;
  readonly capture: Operation | null;
  /** The provider's void. */
  readonly release: Operation | null;
  readonly refunds: readonly RefundOperation[];
  /** Ms since the epoch when the sweep asks the provider; null when nothing is left to ask. */
  readonly dueAt: number | null;
  /** Sweeps that did not finish it, in a row. */
  readonly attempts: number;
}

export type PaymentCommand =
  | { readonly type: "authorize"; readonly details: PaymentDetails }
  | { readonly type: "capture" }
  | { readonly type: "void"; readonly details: PaymentDetails; readonly now: number }
  | {
      readonly type: "refund";
      readonly refund: Omit<RefundOperation, "key" | "amount" | "status">;
      /** Null: all that is left. */
      readonly amount: number | null;
      /** Take what is left when it is less than `amount`, even nothing. */
      readonly orLess: boolean;
      readonly dueAt: number;
    }
  | { readonly type: "attempt"; readonly now: number; readonly retryAt: number }
  | {
      readonly type: "settle";
      readonly key: string;
      readonly outcome: Outcome;
      readonly now: number;
      readonly at: string;
    };

export type PaymentFact =
  | { readonly type: "opened"; readonly details: PaymentDetails; readonly status: "CREATED" | "VOIDED" }
  | { readonly type: "authorized" | "captureIntended" | "captured" | "released" | "releaseRefused" }
  | { readonly type: "voided"; readonly dueAt: number }
  | { readonly type: "authorizationDeclined"; readonly code: string }
  | { readonly type: "captureDeclined"; readonly code: string; readonly dueAt: number }
  | { readonly type: "refundIntended"; readonly refund: RefundOperation; readonly dueAt: number }
  | { readonly type: "refunded" | "refundDeclined"; readonly id: string }
  | { readonly type: "attempted"; readonly retryAt: number };

type Facts = Decision<PaymentFact>;

export const keysOf = (orderId: string) => ({
  authorize: `${paymentIdOf(orderId)}:authorize`,
  capture: `${paymentIdOf(orderId)}:capture`,
  void: `${paymentIdOf(orderId)}:void`,
  refund: (id: string) => `${paymentIdOf(orderId)}:refund:${id}`,
});

const sumOf = (operations: readonly Operation[], ...statuses: readonly Operation["status"][]): number =>
  operations.reduce((sum, { status, amount }) => (statuses.includes(status) ? sum + amount : sum), 0);

export const capturedOf = ({ capture }: PaymentState): number => (capture?.status === "SUCCEEDED" ? capture.amount : 0);
export const refundedOf = ({ refunds }: PaymentState): number => sumOf(refunds, "SUCCEEDED");
/** Captured and neither given back nor about to be. */
export const refundable = (state: PaymentState): number =>
  capturedOf(state) - sumOf(state.refunds, "SUCCEEDED", "PENDING");

export function decide(command: PaymentCommand, state: PaymentState | null): Facts {
  if (command.type === "void") return state === null ? opened(command.details, "VOIDED") : voiding(state, command);
  if (command.type === "authorize") return state === null ? opened(command.details, "CREATED") : authorizing(state);
  if (state === null) return refuse(refusal("PAYMENT_NOT_FOUND", "There is no such payment: authorise it first"));
  switch (command.type) {
    case "capture":
      return capturing(state);
    case "refund":
      return refunding(state, command);
    case "attempt":
      return state.dueAt === null || state.dueAt > command.now
        ? accept()
        : accept({ type: "attempted", retryAt: command.retryAt });
    case "settle":
      return settling(state, command);
    default:
      return assertNever(command);
  }
}

const opened = (details: PaymentDetails, status: "CREATED" | "VOIDED"): Facts =>
  accept({ type: "opened", details, status });

/** Why this payment will never be taken; null while it may be. */
export function ended(state: PaymentState): Refusal | null {
  const data = { declineCode: state.declineCode };
  if (state.status === "VOIDED") return refusal("PAYMENT_VOIDED", `The payment of order ${state.orderId} was voided`);
  if (state.status !== "FAILED") return null;
  return refusal("PAYMENT_DECLINED", `The payment was declined (${state.declineCode ?? "unknown"})`, data);
}

function authorizing(state: PaymentState): Facts {
  const over = ended(state);
  return over === null ? accept() : refuse(over);
}

function capturing(state: PaymentState): Facts {
  const over = ended(state);
  if (over !== null) return refuse(over);
  if (state.status === "CREATED")
    return refuse(
      refusal("WRONG_STATE", `The payment of order ${state.orderId} is not authorised yet: authorise first`),
    );
  return state.capture === null ? accept({ type: "captureIntended" }) : accept();
}

function voiding(state: PaymentState, { now, details }: { now: number; details: PaymentDetails }): Facts {
  if (state.status === "CREATED" || state.status === "AUTHORIZED") return accept({ type: "voided", dueAt: now });
  return accept(...givingBack(state, refundable(state), now, details.createdAt));
}

/** The money of a voided payment is never kept. */
function givingBack(state: PaymentState, amount: number, dueAt: number, requestedAt: string): PaymentFact[] {
  const id = `re:void:${state.orderId}`;
  if (amount === 0 || state.refunds.some(refund => refund.id === id)) return [];
  const key = keysOf(state.orderId).refund(id);
  const refund = { id, key, amount, status: "PENDING", reason: "Voided", requestedAt, fingerprint: "" } as const;
  return [{ type: "refundIntended", refund, dueAt }];
}

function refunding(state: PaymentState, command: Extract<PaymentCommand, { type: "refund" }>): Facts {
  const { id } = command.refund;
  if (state.refunds.some(refund => refund.id === id)) return accept();
  const left = refundable(state);
  const asked = command.amount ?? left;
  const amount = command.orLess ? Math.min(asked, left) : asked;
  if (command.orLess && amount <= 0) return accept();
  if (amount <= 0 || amount > left) {
    const detail = `${String(left)} of what was captured is left to refund: ask for at most that`;
    return refuse(refusal("REFUND_EXCEEDS_CAPTURE", detail, { left }));
  }
  const key = keysOf(state.orderId).refund(id);
  const refund = { ...command.refund, key, amount, status: "PENDING" } as const;
  return accept({ type: "refundIntended", refund, dueAt: command.dueAt });
}

/** An outcome counts once: a second one of the same key finds nothing pending. */
function settling(state: PaymentState, command: Extract<PaymentCommand, { type: "settle" }>): Facts {
  const { key, outcome, now, at } = command;
  const isPending = (operation: Operation | null) => operation?.key === key && operation.status === "PENDING";
  const approved = outcome.status === "approved";
  if (isPending(state.authorization))
    return approved ? accept({ type: "authorized" }) : accept({ type: "authorizationDeclined", code: outcome.code });
  if (isPending(state.capture))
    return approved
      ? accept(...slippedThrough(state, now, at))
      : accept({ type: "captureDeclined", code: outcome.code, dueAt: now });
  if (isPending(state.release))
    return approved
      ? accept({ type: "released" })
      : accept({ type: "releaseRefused" }, ...(capturedOf(state) > 0 ? [] : slippedThrough(state, now, at)));
  const refund = state.refunds.find(isPending);
  return refund === undefined ? accept() : accept({ type: approved ? "refunded" : "refundDeclined", id: refund.id });
}

/** The capture, and its refund when it came after the end of the payment. */
const slippedThrough = (state: PaymentState, now: number, at: string): PaymentFact[] => [
  { type: "captured" },
  ...(ended(state) === null ? [] : givingBack(state, state.amount.amount, now, at)),
];
