// A node that stops hands its sagas over: whoever sweeps next goes on at once, not when the lease ends.
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { ActionName } from "../../core/contracts/index.ts";
import { write } from "../../core/store/port.ts";
import { Runner } from "../../services/order/order.runner.ts";
import { orderCollection, type OrderState } from "../../services/order/order.schema.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase, type MemoryStorage } from "../support/memory-driver.ts";
import { anyRequest, anyWork, asked, pendingOrder, product } from "../support/orders.ts";

const LEASE_MS = 10_000;
const GRACE_MS = 3_000;
type Answer = () => Promise<unknown>;

describe("A node that stops", () => {
  let clock: ManualClock;
  let storage: MemoryStorage;
  beforeEach(() => {
    clock = createManualClock();
    storage = createMemoryStorage();
  });

  function node(seed: number, answers: Partial<Record<ActionName, Answer>> = {}) {
    const random = createManualRandom(seed);
    const orders = openMemoryDatabase(storage, { clock, random, outboxBound: 1_000 }).collection(orderCollection);
    const calls: string[] = [];
    const errors: unknown[] = [];
    const call = ((action: ActionName) => {
      calls.push(action);
      return answers[action]?.() ?? Promise.resolve({ expiresAt: "2100-01-01T00:00:00.000Z" });
    }) as typeof anyRequest.call;
    const onError = (_id: string, error: unknown) => void errors.push(error);
    const resume = () => anyWork;
    const runner = new Runner({ orders, clock, random, leaseMs: LEASE_MS, onError, resume });
    const sweep = () => runner.sweep({ ...anyRequest, call, accepted: call });
    const state = async () => (await orders.load("o1"))?.state;
    async function place(): Promise<void> {
      const order = pendingOrder("o1", asked([{ sku: "A", quantity: 1 }]), [product("A")]);
      const fresh: OrderState = { ...order, saga: { ...order.saga, dueAt: clock.now() + LEASE_MS } };
      const { document } = await orders.update("o1", () => write(fresh, [], null));
      if (document !== null) runner.run(document, call, anyWork);
      await clock.advance(0);
    }
    return { runner, calls, errors, sweep, state, place };
  }
  const unknown: Answer = () => Promise.reject(new Error("No answer"));

  it("does not wait for the next attempt, and another one takes the saga over at once", async () => {
    const [first, second] = [node(1, { "v1.billing.authorize": unknown }), node(2)];
    await first.place();
    expect(await second.sweep()).toBe(0);
    const before = clock.now();
    await first.runner.stop(GRACE_MS);
    expect(clock.now()).toBe(before);
    expect(await second.state()).toMatchObject({ status: "PENDING", saga: { token: 1, cursor: 1, attempt: 1 } });
    expect(await second.sweep()).toBe(1);
    await clock.advance(0);
    expect(await second.state()).toMatchObject({ status: "CONFIRMED", saga: { token: 2 } });
    expect(second.calls).not.toContain("v1.inventory.reserve");
  });

  it("hands over at the end of its grace what is still in a call, and its late answer changes nothing", async () => {
    const { promise: late, resolve: answer } = Promise.withResolvers<unknown>();
    const [first, second] = [node(1, { "v1.billing.capture": () => late }), node(2)];
    await first.place();
    const stopped = first.runner.stop(GRACE_MS);
    await clock.advance(GRACE_MS - 1);
    expect(await second.sweep()).toBe(0);
    await clock.advance(1);
    await stopped;
    expect(await second.sweep()).toBe(1);
    await clock.advance(0);
    const ended = await second.state();
    expect(ended).toMatchObject({ status: "CONFIRMED", paymentStatus: "CAPTURED" });
    answer({});
    await clock.advance(60_000);
    expect(await second.state()).toEqual(ended);
    expect(first.errors).toEqual([]);
  });

  it("leaves alone what another node has taken over", async () => {
    const hangs: Answer = () => new Promise(() => undefined);
    const [first, second, third] = [
      node(1, { "v1.billing.capture": hangs }),
      node(2, { "v1.billing.capture": hangs }),
      node(3),
    ];
    await first.place();
    await clock.advance(LEASE_MS);
    expect(await second.sweep()).toBe(1);
    await clock.advance(0);
    await clock.until(first.runner.stop(GRACE_MS));
    expect(await third.sweep()).toBe(0);
    expect(await third.state()).toMatchObject({ saga: { token: 2 } });
  });

  it("hands over what it is asked to run while it stops", async () => {
    const [first, second] = [node(1), node(2)];
    await first.runner.stop(GRACE_MS);
    await first.place();
    expect(first.calls).toEqual([]);
    expect(await second.sweep()).toBe(1);
    await clock.advance(0);
    expect(await second.state()).toMatchObject({ status: "CONFIRMED" });
  });
});
