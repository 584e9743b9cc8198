// A subscriber that takes an aggregate's events together when it can.
import { describe, expect, it } from "@jest/globals";
import type { EventType } from "../../core/contracts/index.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import { eventOf } from "../support/events.ts";
import { asStaff, memoryEnvironment } from "../support/requests.ts";

const counts = { sku: "TEA", onHand: 1, reserved: 0, allocated: 0 };
const stockEvents = [1, 2, 3].map(seq =>
  eventOf("stock.adjusted.v1", "TEA", seq, { ...counts, movementId: String(seq), quantity: 1, reason: "count" }),
);

/** `poison` is the number of an event that cannot be taken. */
function open({ poison = 0, types = ["stock.adjusted.v1"] as EventType[] } = {}) {
  const taken: number[][] = [];
  const take = (seqs: number[]): Promise<void> => {
    if (seqs.includes(poison)) return Promise.reject(new Error("Poison"));
    taken.push(seqs);
    return Promise.resolve();
  };
  const subscribed = subscriber(
    { "stock.adjusted.v1": ({ seq }) => take([seq]) },
    memoryEnvironment().database.collection(inboxCollection),
    { types: new Set(types), take: events => take(events.map(({ seq }) => seq)) },
  );
  const deliver = async () =>
    (await subscribed.react({ events: stockEvents }, asStaff())).outcomes.map(({ outcome }) => outcome);
  const park = (from: number) => subscribed.park({ subject: "stock:TEA", from });
  return { taken, deliver, park };
}

describe("events of one aggregate in one delivery", () => {
  it("are taken together", async () => {
    const { taken, deliver } = open();
    expect(await deliver()).toEqual(["done", "done", "done"]);
    expect(taken).toEqual([[1, 2, 3]]);
  });

  it("are taken one by one when together they fail, and those behind the guilty one wait", async () => {
    const { taken, deliver } = open({ poison: 2 });
    expect(await deliver()).toEqual(["done", "failed", "failed"]);
    expect(taken).toEqual([[1]]);
  });

  it("are taken one by one while some of them are parked", async () => {
    const { taken, deliver, park } = open();
    await park(2);
    expect(await deliver()).toEqual(["done", "parked", "parked"]);
    expect(taken).toEqual([[1]]);
  });

  it("are taken one by one when their types are not for taking together", async () => {
    const { taken, deliver } = open({ types: [] });
    expect(await deliver()).toEqual(["done", "done", "done"]);
    expect(taken).toEqual([[1], [2], [3]]);
  });
});
