// The order as clients see it.
import type { Order, TimelineEntry } from "../../core/contracts/order.ts";
import type { Versioned } from "../../core/store/port.ts";
import type { OrderState } from "./order.schema.ts";

export function orderView({ id, version, state }: Versioned<OrderState>): Order {
  return {
    id,
    number: state.number,
    status: state.status,
    paymentStatus: state.paymentStatus,
    fulfillmentStatus: state.fulfillmentStatus,
    customerId: state.customerId,
    email: state.email,
    currency: state.currency,
    lines: [...state.lines],
    totals: state.totals,
    payment: state.payment,
    invoiceId: state.invoiceId,
    rejection: state.rejection,
    shipments: [...state.shipments],
    returns: [...state.returns],
    placedAt: state.placedAt,
    createdAt: state.createdAt,
    version,
  };
}

/** State changes and saga steps, oldest first; of one moment the steps before the state that they led to. */
export function timelineOf(state: OrderState): TimelineEntry[] {
  const steps = state.saga.log.map(({ step, ...entry }): TimelineEntry => ({ ...entry, kind: "STEP", name: step }));
  const [placed, ...later] = state.states;
  const since = [...steps, ...later].sort((a, b) => a.at.localeCompare(b.at));
  return placed === undefined ? since : [placed, ...since];
}
