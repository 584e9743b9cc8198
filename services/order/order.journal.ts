// The saga's writes on the order document: each move with what it means for the order, in one conditional write.
import type { Clock } from "../../core/kernel/clock.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import { RejectionCode, type Order } from "../../core/contracts/order.ts";
import type { Journal, SagaState } from "../../core/saga/engine.ts";
import { advance, type Move, type SagaRecord, type StepLog } from "../../core/saga/record.ts";
import { keep, refuseWith, write, type DocumentStore, type Verdict, type Versioned } from "../../core/store/port.ts";
import { applied } from "./order.changes.ts";
import type { PlacingOrder } from "./order.saga.ts";
import type { OrderState } from "./order.schema.ts";

export function placingOf(orderId: string, state: OrderState): PlacingOrder {
  const { customerId, lines, totals, method, reservedUntil } = state;
  return { orderId, customerId, lines, total: totals.gross, method, reservedUntil };
}

export const sagaStateOf = ({ id, state }: Versioned<OrderState>): SagaState<PlacingOrder> => ({
  record: state.saga,
  data: placingOf(id, state),
  cancelRequested: state.cancel !== null,
});

type Written = Verdict<OrderState, boolean>;

export function orderJournal(
  orders: DocumentStore<OrderState>,
  orderId: string,
  { clock, leaseMs }: { clock: Clock; leaseMs: number },
): Journal<PlacingOrder> {
  const held = (state: OrderState, token: number) => state.saga.token === token && state.saga.dueAt !== null;

  return {
    async save(token, move, log, data) {
      const now = clock.now();
      const { document, result } = await orders.update(orderId, (current): Written => {
        if (current === null || !held(current.state, token)) return keep(false);
        const found = { ...current.state, reservedUntil: data.reservedUntil };
        if (isRefused(move, found)) return write({ ...found, saga: noted(found.saga, log) }, [], true);
        const saga = advance(found.saga, move, log, { now, leaseMs });
        return meaningOf(orderId, { ...found, saga }, move, timestamp(now));
      });
      return result && document !== null ? sagaStateOf(document) : null;
    },
    async reload(token) {
      const document = await orders.load(orderId);
      return document !== null && held(document.state, token) ? sagaStateOf(document) : null;
    },
  };
}

/** A wish to cancel stops what has not passed the pivot yet. */
const isRefused = (move: Move, { cancel, saga }: OrderState): boolean =>
  cancel !== null &&
  saga.direction === "forward" &&
  !saga.pivotIntended &&
  (move.type === "intend" || move.type === "end");

const noted = (saga: SagaRecord, log: readonly StepLog[]): SagaRecord => ({ ...saga, log: [...saga.log, ...log] });

function meaningOf(orderId: string, state: OrderState, move: Move, at: string): Written {
  if (move.type === "intend") {
    const payment: Order["payment"] = { id: paymentIdOf(orderId), status: "AUTHORIZED" };
    return write({ ...state, payment, paymentStatus: "AUTHORIZED" }, [], true);
  }
  if (move.type !== "end") return write(state, [], true);
  const command =
    state.saga.cause === null
      ? ({ type: "confirm" } as const)
      : ({ type: "reject", rejection: rejectionOf(state) } as const);
  const change = applied(orderId, command, state, at);
  return change.ok ? write(change.state, change.events, true) : refuseWith(change.refusal);
}

/** Void and late refusals are ours to explain; clients know six codes. */
function rejectionOf({ saga: { cause } }: OrderState): NonNullable<Order["rejection"]> {
  const { code, detail, sku } = cause ?? { code: "CANCELLED", detail: "", sku: undefined };
  return {
    code: RejectionCode.enum.find(candidate => candidate === code) ?? "PAYMENT_UNAVAILABLE",
    detail,
    ...(sku === undefined ? {} : { sku }),
  };
}
