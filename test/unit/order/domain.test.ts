import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { events } from "../../../core/contracts/index.ts";
import { sumAmounts } from "../../../core/kernel/money.ts";
import { checkOf } from "../../../core/middlewares/validator.ts";
import { applied } from "../../../services/order/order.changes.ts";
import { fulfillmentTransitions, statusTransitions, type OrderCommand } from "../../../services/order/order.domain.ts";
import { lineQuantities } from "../../../services/order/order.lines.ts";
import type { OrderState } from "../../../services/order/order.schema.ts";
import { timelineOf } from "../../../services/order/order.view.ts";
import { asked, pendingOrder, product } from "../../support/orders.ts";

const at = "2026-01-01T00:00:00.000Z";
const order = () =>
  pendingOrder(
    "o1",
    asked([
      { sku: "A", quantity: 3 },
      { sku: "B", quantity: 2 },
      { sku: "A", quantity: 1, unitPrice: { amount: 1, currency: "GBP" } },
    ]),
    [product("A", 333, 1750), product("B", 199, 725)],
  );

const quantity = fc.integer({ min: 1, max: 4 });
const selection = fc.array(fc.record({ lineId: fc.constantFrom("1", "2", "3"), quantity }), {
  minLength: 1,
  maxLength: 3,
});
const command: fc.Arbitrary<OrderCommand> = fc.oneof(
  fc.constant<OrderCommand>({ type: "confirm" }),
  fc.constant<OrderCommand>({ type: "reject", rejection: { code: "PAYMENT_DECLINED", detail: "declined" } }),
  fc.constant<OrderCommand>({ type: "cancel", reason: "changed my mind" }),
  fc.record({
    type: fc.constant("ship" as const),
    id: fc.uuid(),
    lines: fc.option(selection),
    trackingNumber: fc.constant(null),
    at: fc.constant(at),
  }),
  fc.record({
    type: fc.constant("return" as const),
    id: fc.uuid(),
    lines: selection,
    reason: fc.constant("broken"),
    restock: fc.boolean(),
    number: fc.constant(null),
    returnedAt: fc.constant(null),
    at: fc.constant(at),
  }),
);

/** Runs commands as the service does: a refusal changes nothing. Calls `each` after every accepted one. */
function play(commands: readonly OrderCommand[], each: (before: OrderState, after: OrderState) => void): OrderState {
  return commands.reduce((state, next) => {
    const change = applied("o1", next, state, at);
    if (!change.ok) return state;
    each(state, change.state);
    return change.state;
  }, order());
}

describe("an order under any commands", () => {
  it("moves only along its tables of transitions", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 25 }), commands => {
        play(commands, (before, after) => {
          const moves = statusTransitions[before.status];
          const fulfilments = fulfillmentTransitions[before.fulfillmentStatus];
          if (before.status !== after.status) expect(moves).toContain(after.status);
          if (before.fulfillmentStatus !== after.fulfillmentStatus)
            expect(fulfilments).toContain(after.fulfillmentStatus);
        });
      }),
    );
  });

  it("never ships more than was ordered nor takes back more than was shipped", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 25 }), commands => {
        const end = play([{ type: "confirm" }, ...commands], () => undefined);
        const shipped = lineQuantities(end.shipments);
        const returned = lineQuantities(end.returns);
        for (const line of end.lines) {
          expect(shipped.get(line.id) ?? 0).toBeLessThanOrEqual(line.quantity);
          expect(returned.get(line.id) ?? 0).toBeLessThanOrEqual(shipped.get(line.id) ?? 0);
        }
      }),
    );
  });

  it("credits to the penny what was sold, however the returns are cut", () => {
    fc.assert(
      fc.property(fc.array(selection, { maxLength: 12 }), returns => {
        let state = play(
          [{ type: "confirm" }, { type: "ship", id: "s", lines: null, trackingNumber: null, at }],
          () => undefined,
        );
        const total = state.totals;
        const credits = [
          ...returns,
          ...["1", "2", "3"].flatMap(lineId => [1, 1, 1].map(one => [{ lineId, quantity: one }])),
        ].flatMap(lines => {
          const back = {
            type: "return",
            id: "r",
            lines,
            reason: "x",
            restock: true,
            number: null,
            returnedAt: null,
            at,
          } as const;
          const change = applied("o1", back, state, at);
          if (!change.ok) return [];
          state = change.state;
          return change.events.flatMap(event => (event.type === "order.returned.v1" ? event.data.credit : []));
        });
        expect(state.fulfillmentStatus).toBe("RETURNED");
        expect(sumAmounts(credits, "GBP")).toEqual(total);
      }),
    );
  });
});

describe("an order", () => {
  const confirmed = () => play([{ type: "confirm" }], () => undefined);

  it("is cancelled the moment it is confirmed when that was asked for past the pivot", () => {
    const change = applied("o1", { type: "confirm" }, { ...order(), cancel: { reason: "too late" } }, at);
    expect(change.ok && change.events.map(event => event.type)).toEqual(["order.confirmed.v1", "order.cancelled.v1"]);
    expect(change.ok && change.state.status).toBe("CANCELLED");
  });

  it.each<OrderCommand>([
    { type: "cancel", reason: "too many" },
    { type: "ship", id: "s", lines: null, trackingNumber: null, at },
    { type: "ship", id: "s", lines: [{ lineId: "1", quantity: 2_000_000 }], trackingNumber: null, at },
  ])("of a line that was added up beyond one line's bound tells what fits its event: %j", command => {
    const many = { sku: "A", quantity: 1_000_000 };
    const pending = pendingOrder("o1", asked([many, many]), [product("A", 1)]);
    const confirmed = applied("o1", { type: "confirm" }, pending, at);
    const change = confirmed.ok ? applied("o1", command, confirmed.state, at) : confirmed;
    if (!change.ok) throw new Error(change.refusal.detail);
    for (const { type, data } of change.events) expect([type, checkOf(events[type])(data)]).toEqual([type, true]);
    expect(change.events).toHaveLength(1);
  });

  it("tells the steps of one moment between its placing and the state that they led to", () => {
    const step = (name: string) => ({
      at: confirmed().states[0]?.at ?? "",
      ...{ step: name, direction: "FORWARD", attempt: 1, outcome: "done", detail: null },
    });
    const log = ["reserve", "capture"].map(step) as OrderState["saga"]["log"];
    const change = applied("o1", { type: "confirm" }, { ...order(), saga: { ...order().saga, log } }, step("").at);
    if (!change.ok) throw new Error(change.refusal.detail);
    expect(timelineOf(change.state).map(({ name }) => name)).toEqual(["PENDING", "reserve", "capture", "CONFIRMED"]);
  });

  it("cannot be cancelled once a part is shipped", () => {
    const shipped = applied(
      "o1",
      { type: "ship", id: "s", lines: [{ lineId: "2", quantity: 1 }], trackingNumber: null, at },
      confirmed(),
      at,
    );
    if (!shipped.ok) throw new Error(shipped.refusal.detail);
    const cancel = applied("o1", { type: "cancel", reason: "no" }, shipped.state, at);
    expect(cancel).toMatchObject({ ok: false, refusal: { code: "ORDER_NOT_CANCELLABLE" } });
  });

  it("asks for the line id where a SKU stands on several lines", () => {
    const ship = applied(
      "o1",
      { type: "ship", id: "s", lines: [{ sku: "A", quantity: 1 }], trackingNumber: null, at },
      confirmed(),
      at,
    );
    expect(ship).toMatchObject({
      ok: false,
      refusal: { code: "VALIDATION_FAILED", data: { errors: [{ pointer: "/lines/0/sku" }] } },
    });
  });

  it("shows states and steps in one timeline", () => {
    expect(confirmed().states.map(entry => entry.name)).toEqual(["PENDING", "CONFIRMED"]);
  });
});
