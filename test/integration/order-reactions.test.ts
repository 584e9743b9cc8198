// What other services' events change on an order, and when they have to wait.
import { describe, expect, it } from "@jest/globals";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import { write } from "../../core/store/port.ts";
import { orderReactions } from "../../services/order/order.reactions.ts";
import { orderCollection, type OrderState } from "../../services/order/order.schema.ts";
import { eventOf } from "../support/events.ts";
import { createManualClock, createManualRandom } from "../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase } from "../support/memory-driver.ts";
import { anyRequest, asked, gbp, pendingOrder, product } from "../support/orders.ts";

function anOrder() {
  const clock = createManualClock();
  const chance = { clock, random: createManualRandom(1), outboxBound: 1_000 };
  const database = openMemoryDatabase(createMemoryStorage(), chance);
  const orders = database.collection(orderCollection);
  const reactions = subscriber(orderReactions(orders, clock), database.collection(inboxCollection));
  const placed = pendingOrder("o1", asked([{ sku: "A", quantity: 1 }]), [product("A")]);
  return {
    become: (change: Partial<OrderState>) => orders.update("o1", () => write({ ...placed, ...change }, [], null)),
    state: async () => (await orders.load("o1"))?.state,
    refunded: async () => {
      const of = { paymentId: "pay:o1", orderId: "o1", status: "REFUNDED" } as const;
      const refund = { ...of, refundId: "re:1", amount: gbp(306), refunded: gbp(306) };
      const { outcomes } = await reactions.react(
        { events: [eventOf("payment.refunded.v1", "pay:o1", 3, refund)] },
        anyRequest,
      );
      return outcomes;
    },
  };
}

describe("A refund", () => {
  it("of an order whose saga has not ended waits for that, however often it comes, and then counts", async () => {
    const { become, state, refunded } = anOrder();
    await become({});
    for (const _ of [1, 2]) expect(await refunded()).toMatchObject([{ outcome: "failed", transient: true }]);
    await become({ status: "CONFIRMED", paymentStatus: "CAPTURED", paymentSeq: 2 });
    expect(await refunded()).toMatchObject([{ outcome: "done" }]);
    expect(await state()).toMatchObject({ paymentStatus: "REFUNDED", paymentSeq: 3 });
  });

  it("of an order that was rejected changes nothing", async () => {
    const { become, state, refunded } = anOrder();
    await become({ status: "REJECTED", paymentStatus: "FAILED" });
    expect(await refunded()).toMatchObject([{ outcome: "done" }]);
    expect(await state()).toMatchObject({ paymentStatus: "FAILED" });
  });
});
