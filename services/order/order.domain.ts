// What may happen to an order. Pure: time, ids and prices come in with the command.
import { assertNever } from "../../core/kernel/assert-never.ts";
import { accept, canMove, refuse, type Decision, type Transitions } from "../../core/kernel/decider.ts";
import type { DomainEvent, EventData } from "../../core/contracts/index.ts";
import type { Order, OrderLine } from "../../core/contracts/order.ts";
import { refusal } from "../../core/kernel/errors.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import { creditOf, isShippedWhole, lineQuantities, selectLines, type Selection } from "./order.lines.ts";
import type { OrderState } from "./order.schema.ts";

export const statusTransitions: Transitions<Order["status"]> = {
  PENDING: ["CONFIRMED", "REJECTED"],
  CONFIRMED: ["COMPLETED", "CANCELLED"],
  COMPLETED: [],
  REJECTED: [],
  CANCELLED: [],
};

export const fulfillmentTransitions: Transitions<Order["fulfillmentStatus"]> = {
  UNFULFILLED: ["PARTIALLY_FULFILLED", "SHIPPED"],
  PARTIALLY_FULFILLED: ["PARTIALLY_FULFILLED", "SHIPPED"],
  FULFILLED: ["SHIPPED"],
  SHIPPED: ["DELIVERED", "RETURNED"],
  DELIVERED: ["RETURNED"],
  RETURNED: [],
};

export type OrderEvent = Extract<DomainEvent, { type: `order.${string}` }>;
type Rejection = NonNullable<Order["rejection"]>;

export type OrderCommand =
  | { readonly type: "confirm" }
  | { readonly type: "reject"; readonly rejection: Rejection }
  | { readonly type: "cancel"; readonly reason: string }
  | {
      readonly type: "ship";
      readonly id: string;
      readonly lines: Selection | null;
      readonly trackingNumber: string | null;
      readonly at: string;
    }
  | {
      readonly type: "return";
      readonly id: string;
      readonly lines: Selection;
      readonly reason: string;
      readonly restock: boolean;
      readonly number: string | null;
      readonly returnedAt: string | null;
      readonly at: string;
    };

const whose = (orderId: string, { number, customerId, email, currency }: OrderState) => ({
  orderId,
  number,
  customerId,
  email,
  currency,
});

const sold = (orderId: string, state: OrderState) => ({
  ...whose(orderId, state),
  lines: [...state.lines],
  totals: state.totals,
  placedAt: state.placedAt,
});

export const placedEvent = (orderId: string, state: OrderState): OrderEvent => ({
  type: "order.placed.v1",
  data: sold(orderId, state),
});

export function decide(orderId: string, command: OrderCommand, state: OrderState): Decision<OrderEvent> {
  switch (command.type) {
    case "confirm":
      return confirm(orderId, state);
    case "reject":
      if (!canMove(statusTransitions, state.status, "REJECTED")) return wrongState(state, "rejected");
      return accept({ type: "order.rejected.v1", data: { ...whose(orderId, state), ...command.rejection } });
    case "cancel":
      return cancel(orderId, command.reason, state);
    case "ship":
      return ship(orderId, command, state);
    case "return":
      return takeBack(orderId, command, state);
    default:
      return assertNever(command);
  }
}

function confirm(orderId: string, state: OrderState): Decision<OrderEvent> {
  if (!canMove(statusTransitions, state.status, "CONFIRMED")) return wrongState(state, "confirmed");
  const payment: EventData<"order.confirmed.v1">["payment"] =
    state.payment === null ? null : { id: state.payment.id, status: "CAPTURED" };
  const confirmed: OrderEvent = { type: "order.confirmed.v1", data: { ...sold(orderId, state), payment } };
  // A wish to cancel that came after the pivot was intended is granted the moment the order is confirmed.
  if (state.cancel === null) return accept(confirmed);
  return accept(confirmed, cancelled(orderId, state.cancel.reason, state));
}

function cancel(orderId: string, reason: string, state: OrderState): Decision<OrderEvent> {
  const free = state.fulfillmentStatus === "UNFULFILLED" && canMove(statusTransitions, state.status, "CANCELLED");
  if (free) return accept(cancelled(orderId, reason, state));
  const why = state.status === "CONFIRMED" || state.status === "COMPLETED" ? "partly or wholly shipped" : state.status;
  return refuse(
    refusal("ORDER_NOT_CANCELLABLE", `Order ${state.number} is ${why}; only an unshipped order can be cancelled`),
  );
}

const cancelled = (orderId: string, reason: string, state: OrderState): OrderEvent => ({
  type: "order.cancelled.v1",
  data: {
    ...whose(orderId, state),
    reason,
    lines: state.lines.map(({ id, sku, quantity }) => ({ lineId: id, sku, quantity })),
  },
});

function ship(orderId: string, command: OrderCommand & { type: "ship" }, state: OrderState): Decision<OrderEvent> {
  if (state.status !== "CONFIRMED") {
    return refuse(
      refusal(
        "ORDER_NOT_SHIPPABLE",
        `Order ${state.number} is ${state.status}; only a confirmed order with something left is shipped`,
      ),
    );
  }
  const shipped = lineQuantities(state.shipments);
  const left = (line: OrderLine) => line.quantity - (shipped.get(line.id) ?? 0);
  const chosen = selectLines(state.lines, command.lines, left, "SHIPMENT_EXCEEDS_ORDER");
  if (!chosen.ok) return chosen;
  const { id, trackingNumber, at } = command;
  const shipment = { id, lines: chosen.lines, trackingNumber, shippedAt: at };
  const whole = isShippedWhole(state.lines, [...state.shipments, shipment]);
  return accept({
    type: "order.shipped.v1",
    data: { ...whose(orderId, state), shipment, fulfillmentStatus: whole ? "SHIPPED" : "PARTIALLY_FULFILLED" },
  });
}

function takeBack(
  orderId: string,
  command: OrderCommand & { type: "return" },
  state: OrderState,
): Decision<OrderEvent> {
  const shipped = lineQuantities(state.shipments);
  const returned = lineQuantities(state.returns);
  const left = (line: OrderLine) => (shipped.get(line.id) ?? 0) - (returned.get(line.id) ?? 0);
  const chosen = selectLines(state.lines, command.lines, left, "RETURN_EXCEEDS_SHIPMENT");
  if (!chosen.ok) return chosen;
  const { id, reason, restock, number, returnedAt, at } = command;
  const back = { id, lines: chosen.lines, reason, restock, number, returnedAt, recordedAt: at };
  const credit = creditOf(state.lines, returned, chosen.lines);
  return accept({ type: "order.returned.v1", data: { ...whose(orderId, state), return: back, credit } });
}

const wrongState = (state: OrderState, wanted: string): Decision<never> =>
  refuse(refusal("WRONG_STATE", `Order ${state.number} is ${state.status} and cannot be ${wanted}`));

export function evolve(state: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case "order.placed.v1":
      return state;
    case "order.confirmed.v1": {
      const { payment } = event.data;
      return { ...state, status: "CONFIRMED", payment, paymentStatus: payment === null ? "NOT_PAID" : "CAPTURED" };
    }
    case "order.rejected.v1":
      return rejected(state, event.data);
    case "order.cancelled.v1":
      return { ...state, status: "CANCELLED" };
    case "order.shipped.v1": {
      const { shipment, fulfillmentStatus } = event.data;
      const status = fulfillmentStatus === "SHIPPED" ? "COMPLETED" : state.status;
      return { ...state, status, fulfillmentStatus, shipments: [...state.shipments, shipment] };
    }
    case "order.returned.v1": {
      const returns = [...state.returns, event.data.return];
      const back = lineQuantities(returns);
      const whole = state.lines.every(line => back.get(line.id) === line.quantity);
      return { ...state, returns, fulfillmentStatus: whole ? "RETURNED" : state.fulfillmentStatus };
    }
    default:
      return assertNever(event);
  }
}

function rejected(state: OrderState, { orderId, code, detail, sku }: EventData<"order.rejected.v1">): OrderState {
  const declined = code === "PAYMENT_DECLINED";
  return {
    ...state,
    status: "REJECTED",
    rejection: { code, detail, ...(sku === undefined ? {} : { sku }) },
    payment: declined ? { id: paymentIdOf(orderId), status: "FAILED" } : null,
    paymentStatus: declined ? "FAILED" : "NOT_PAID",
  };
}
