// Placing an order: read downwards on success, upwards on refusal.
//   reserve ─ authorise ─ commit ─ capture (pivot) ─ confirmed
//     └ release   └ void     └ (release)
import type { OrderLine } from "../../core/contracts/order.ts";
import type { Money } from "../../core/kernel/money.ts";
import type { Step } from "../../core/saga/engine.ts";
import { commitStock, releaseStock, reserveStock } from "./order.calls.ts";

export interface PlacingOrder {
  readonly orderId: string;
  readonly customerId: string | null;
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly method: string;
  readonly reservedUntil: string | null;
}

const isFree = ({ total }: PlacingOrder): boolean => total.amount === 0;
const payment = ({ orderId, customerId, total, method }: PlacingOrder) => ({
  orderId,
  customerId,
  amount: total,
  method,
});

export const placingSteps: readonly Step<PlacingOrder>[] = [
  {
    name: "reserve",
    call: async (call, { orderId, lines }) => ({ reservedUntil: await reserveStock(call, orderId, lines) }),
    refusals: ["OUT_OF_STOCK", "RESERVATION_EXPIRED"],
    // Takes a commit back as well, so that step needs no compensation of its own.
    compensate: (call, { orderId, lines }) => releaseStock(call, orderId, lines),
  },
  {
    name: "authorize",
    outside: true,
    skip: isFree,
    call: async (call, order) => {
      await call("v1.billing.authorize", payment(order));
      return {};
    },
    refusals: ["PAYMENT_DECLINED", "PAYMENT_VOIDED"],
    compensate: (call, order) => (isFree(order) ? Promise.resolve() : call("v1.billing.void", payment(order))),
    giveUp: ({ reservedUntil }, now) =>
      reservedUntil !== null && Date.parse(reservedUntil) <= now
        ? { code: "PAYMENT_UNAVAILABLE", detail: "The payment provider gave no answer before the reservation ended" }
        : null,
  },
  {
    name: "commit",
    call: async (call, { orderId, lines }) => {
      await commitStock(call, orderId, lines);
      return {};
    },
    refusals: ["RESERVATION_EXPIRED"],
  },
  {
    name: "capture",
    outside: true,
    pivot: true,
    skip: isFree,
    call: async (call, { orderId }) => {
      await call("v1.billing.capture", { orderId });
      return {};
    },
    refusals: ["PAYMENT_DECLINED", "PAYMENT_VOIDED"],
  },
];
