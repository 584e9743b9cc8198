// What of a saga counts as work of the shop, and what as waiting for others.
import { expect, it } from "@jest/globals";
import type { ActionName } from "../../core/contracts/index.ts";
import { fail } from "../../core/errors.ts";
import { write } from "../../core/store/port.ts";
import { Admission, type Work } from "../../services/order/order.admission.ts";
import { orderHandlers, type OrderDependencies } from "../../services/order/order.handlers.ts";
import { Runner } from "../../services/order/order.runner.ts";
import { orderCollection } from "../../services/order/order.schema.ts";
import { createManualClock, createManualRandom } from "../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase } from "../support/memory-driver.ts";
import { anyRequest, asked, pendingOrder, product } from "../support/orders.ts";

const RESERVED = { expiresAt: "2100-01-01T00:00:00.000Z" };

/** More than are placed at once. */
const MANY = 600;

/** What an order did, one after the other, until nothing more happens for a minute. */
async function workOf(
  refused: Partial<Record<ActionName, Error[]>> = {},
  { isStopping = false, isTaken = false } = {},
): Promise<string[]> {
  const clock = createManualClock();
  const random = createManualRandom(1);
  const orders = openMemoryDatabase(createMemoryStorage(), { clock, random, outboxBound: 100 }).collection(
    orderCollection,
  );
  const seen: string[] = [];
  const work: Work = {
    outside: async wait => {
      seen.push("waits");
      return wait().finally(() => seen.push("works"));
    },
    done: () => seen.push("done"),
    left: () => seen.push("left"),
  };
  const call = ((action: ActionName) => {
    seen.push(action);
    const error = refused[action]?.shift();
    return error === undefined ? Promise.resolve(RESERVED) : Promise.reject(error);
  }) as typeof anyRequest.call;
  const resume = () => work;
  const onError = () => undefined;
  const runner = new Runner({ orders, clock, random, leaseMs: 10_000, onError, resume });
  const order = pendingOrder("o1", asked([{ sku: "A", quantity: 1 }]), [product("A")]);
  if (isStopping) await runner.stop(0);
  const { document } = await orders.update("o1", () => write(order, [], null));
  if (isTaken) await orders.update("o1", () => write({ ...order, saga: { ...order.saga, token: 2 } }, [], null));
  if (document !== null) runner.run(document, call, work);
  await clock.advance(60_000);
  return seen;
}

const [reserve, commit] = ["v1.inventory.reserve", "v1.inventory.commit"];
const authorize = ["waits", "v1.billing.authorize", "works"];
const capture = ["waits", "v1.billing.capture", "works"];

it("does not count the steps that wait for the payment provider", async () => {
  expect(await workOf()).toEqual([reserve, ...authorize, commit, ...capture, "done"]);
});

it("does not count the pause before the next attempt", async () => {
  const seen = await workOf({ "v1.inventory.commit": [new Error("No answer")] });
  expect(seen).toEqual([reserve, ...authorize, commit, "waits", "works", commit, ...capture, "done"]);
});

it("does not count the wait for the provider when the payment is taken back either", async () => {
  const refused = { "v1.inventory.commit": [fail("RESERVATION_EXPIRED", "Too late")] };
  const undone = ["waits", "v1.billing.void", "works", "v1.inventory.release"];
  expect(await workOf(refused)).toEqual([reserve, ...authorize, commit, ...undone, "done"]);
});

it("says of a saga that another process has taken over that it has left", async () => {
  expect(await workOf({}, { isTaken: true })).toEqual([reserve, ...authorize, commit, "left"]);
});

it("says of a saga that it hands over that it has left", async () => {
  expect(await workOf({}, { isStopping: true })).toEqual(["left"]);
});

it("does not count an order any more that could not be placed", async () => {
  const clock = createManualClock();
  const random = createManualRandom(1);
  const orders = openMemoryDatabase(createMemoryStorage(), { clock, random, outboxBound: 100 }).collection(
    orderCollection,
  );
  const admission = new Admission(clock, random);
  // It is refused before it comes to the others.
  const { "v1.order.place": place } = orderHandlers({
    orders,
    admission,
    clock,
    random,
  } as unknown as OrderDependencies);
  for (let count = 0; count < MANY; count += 1) {
    await expect(place(asked([{ sku: "A", quantity: 1 }]), anyRequest)).rejects.toThrow("This test makes no calls");
  }
});
