// Billing's payments against the provider's ledger and against the orders: each charge once, and for an order. Pure.
import type { ChargeFacts, LedgerLine, OrderFacts, PaymentFacts } from "../../core/contracts/audit.ts";
import { violation, type Violation } from "./violation.ts";

type Operation = PaymentFacts["operations"][number];

/** Reactions and the sweep have that long to give back what an ended order has paid. */
const GIVE_BACK_MS = 20_000;

const of = (id: string, detail: string, expected: string, actual: string): Violation =>
  violation({ check: "charges", subject: `payment:${id}`, detail, expected, actual });

const sum = (operations: readonly Operation[], type: Operation["type"], ...statuses: readonly string[]): number =>
  operations.reduce(
    (total, each) => (each.type === type && statuses.includes(each.status) ? total + each.amount : total),
    0,
  );

function againstLedger(id: string, operation: Operation, line: LedgerLine | undefined): Violation | null {
  const { key, amount, status } = operation;
  if (status === "SUCCEEDED" && line?.approved !== true)
    return of(id, `Billing counts ${key}, the provider has no such charge`, String(amount), "nothing in the ledger");
  if (status === "SUCCEEDED" && line?.amount !== amount)
    return of(id, `${key} has another amount at the provider`, String(amount), String(line?.amount));
  if (status === "FAILED" && line?.approved === true)
    return of(id, `Billing takes ${key} for declined, the provider has it`, "declined", String(line.amount));
  return null;
}

/** `order`: as it was before the payment was read. */
function againstOrder({ id, operations }: PaymentFacts, order: OrderFacts | undefined): Violation | null {
  const captured = sum(operations, "CAPTURE", "SUCCEEDED");
  if (order === undefined)
    return captured > 0 ? of(id, "Money was taken for an order that does not exist", "0", String(captured)) : null;
  const isSold = order.status === "CONFIRMED" || order.status === "COMPLETED";
  if (isSold && captured !== order.gross) {
    const what = captured === 0 ? "without a charge" : "charged with another amount than it costs";
    return of(id, `Order ${order.id} is ${order.status} ${what}`, String(order.gross), String(captured));
  }
  const kept = captured - sum(operations, "REFUND", "SUCCEEDED", "PENDING");
  const isEnded = order.status === "REJECTED" || order.status === "CANCELLED";
  if (!isEnded || kept <= 0) return null;
  const found = of(id, `Order ${order.id} is ${order.status}, but its money is kept`, "0", String(kept));
  return { ...found, graceMs: GIVE_BACK_MS };
}

export function judgePayment(payment: PaymentFacts, order: OrderFacts | undefined): Violation | null {
  const lines = new Map(payment.ledger.map(line => [line.key, line]));
  for (const operation of payment.operations) {
    const found = againstLedger(payment.id, operation, lines.get(operation.key));
    if (found !== null) return found;
  }
  return againstOrder(payment, order);
}

/** @param askedBefore RFC 3339: the outcome of what the provider did before must be known to billing. */
export function judgeCharge(line: ChargeFacts, askedBefore: string): Violation | null {
  const { key, type, amount, approved, operations, at } = line;
  if (!approved) return null;
  const say = (detail: string, expected: string): Violation =>
    violation({ check: "charges", subject: `charge:${key}`, detail, expected, actual: `${String(amount)} at ${at}` });
  if (operations === null) return say("The provider moved money for no payment of ours", "no such charge");
  const mine = operations.find(operation => operation.key === key);
  if (mine === undefined) {
    const isSecond = type === "CAPTURE" && operations.some(operation => operation.type === "CAPTURE");
    return isSecond
      ? say("The customer was charged a second time", "one charge")
      : say("The provider moved money that billing did not ask for", "no such charge");
  }
  if (mine.status === "PENDING" && at < askedBefore)
    return say("Billing has not noticed what the provider did", "SUCCEEDED in billing");
  return null;
}
