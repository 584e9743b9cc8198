// What other services' events change on an order. Each reaction is harmless when its event comes again.
import type { EventType } from "../../core/contracts/index.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { fail } from "../../core/errors.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import type { Delivered, Reactions } from "../../core/reactions.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import { stateChange } from "./order.changes.ts";
import type { OrderState } from "./order.schema.ts";

type PaymentEvent = Delivered<Extract<EventType, `payment.${string}`>>;

const paymentStatuses: Partial<Record<PaymentEvent["data"]["status"], Order["paymentStatus"]>> = {
  CAPTURED: "CAPTURED",
  PARTIALLY_REFUNDED: "PARTIALLY_REFUNDED",
  REFUNDED: "REFUNDED",
  FAILED: "FAILED",
};

/** Money may be given back between the capture and the saga's end: the saga knows nothing of it, so the event waits for that. */
async function mustBePlaced(orders: DocumentStore<OrderState>, id: string): Promise<void> {
  const order = await orders.load(id);
  if (order?.state.status === "PENDING")
    throw fail("SERVICE_UNAVAILABLE", `Order ${id} is still being placed: its refund waits`);
}

export function orderReactions(orders: DocumentStore<OrderState>, clock: Clock): Reactions {
  const change = async (orderId: string, next: (state: OrderState) => OrderState | null) => {
    await orders.update(orderId, current => {
      const state = current === null ? null : next(current.state);
      return state === null ? keep(null) : write(state, [], null);
    });
  };

  /** While the saga runs it says the payment's status itself; afterwards the payment's events do, the last one winning. */
  const paymentChanged = ({ data, seq }: PaymentEvent) =>
    change(data.orderId, state => {
      const status = paymentStatuses[data.status];
      if (status === undefined || state.status === "PENDING" || state.status === "REJECTED") return null;
      if (seq <= state.paymentSeq || status === state.paymentStatus) return null;
      const entry = stateChange(`PAYMENT_${status}`, timestamp(clock.now()), null);
      const payment = { id: data.paymentId, status };
      return { ...state, payment, paymentStatus: status, paymentSeq: seq, states: [...state.states, entry] };
    });

  return {
    "payment.captured.v1": paymentChanged,
    "payment.failed.v1": paymentChanged,
    "payment.refunded.v1": async event => {
      await mustBePlaced(orders, event.data.orderId);
      await paymentChanged(event);
    },
    "invoice.issued.v1": async ({ data: { orderId, id } }) => {
      if (orderId !== null)
        await change(orderId, state => (state.invoiceId === id ? null : { ...state, invoiceId: id }));
    },
    /** An order that still waits for its payment need not wait for its next attempt to learn that its stock is gone. */
    "stock.expired.v1": ({ data: { orderId } }) =>
      change(orderId, state => {
        const { saga } = state;
        if (saga.dueAt === null || saga.pivotIntended || saga.attempt === 0 || saga.dueAt <= clock.now()) return null;
        return { ...state, saga: { ...saga, dueAt: clock.now() } };
      }),
  };
}
