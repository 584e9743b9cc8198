// Calls between nodes: deadlines, repeats and affinity, over Moleculer's bus for tests.
import { afterEach, describe, expect, it } from "@jest/globals";
import { Errors } from "moleculer";
import { fail } from "../../core/errors.ts";
import type { Request } from "../../core/request.ts";
import { choose } from "../../core/strategies/rendezvous.ts";
import { client } from "../support/client.ts";
import type { Stubs } from "../support/gateway.ts";
import { startNode, type TestNode } from "../support/nodes.ts";

const api = client("", "");
let count = 0;
let cluster: readonly [string, null] = ["", null];
const nodes: TestNode[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(node => node.stop()));
});

const fresh = (): void => {
  count += 1;
  cluster = [`calls${String(count)}`, null];
};
async function node(id: string, stubs: Stubs = {}): Promise<TestNode> {
  const started = await startNode(cluster, id, stubs);
  nodes.push(started);
  return started;
}
/** Moleculer's type forgets that there may be none. */
const endpointsOf = ({ broker }: TestNode, action: string) =>
  broker.registry.getActionEndpoints(action) as { readonly endpoints: readonly unknown[] } | undefined;
const knows = (who: TestNode, action: string, instances: number) =>
  api.until(
    () => Promise.resolve(endpointsOf(who, action)?.endpoints.length),
    length => length === instances,
  );

const keyed = { idempotency: { key: "k", fingerprint: "f" } };
const gone = new Errors.RequestRejectedError({ action: "v1.product.create", nodeID: "some" });
const create = { sku: "1", name: "1", price: { amount: 1, currency: "GBP" } };

/** Fails with each of them once, then answers. */
function failing(errors: Error[], answer: unknown = {}) {
  const calls = { made: 0 };
  const stub = () => {
    calls.made += 1;
    const error = errors.shift();
    return error === undefined ? answer : Promise.reject(error);
  };
  return { calls, stub };
}

describe("A deadline", () => {
  it("is handed on by those who answer somebody, and not by accepted work", async () => {
    fresh();
    const seen = new Map<string, number>();
    await node("far", {
      "v1.product.price": (_: never, request: Request) => (seen.set("price", request.deadline), { products: [] }),
      "v1.billing.admit": (_: never, request: Request) => (seen.set("admit", request.deadline), {}),
    });
    const near = await node("near", {
      "v1.order.get": async (_: never, request: Request) => {
        seen.set("get", request.deadline);
        await request.call("v1.product.price", { skus: ["1"] });
        await request.accepted("v1.billing.admit", {});
        return {};
      },
    });
    await knows(near, "v1.billing.admit", 1);
    const deadline = Date.now() + 1_000;
    await near.call("v1.order.get", { id: "1" }, { deadline });
    expect(seen.get("get")).toBeLessThanOrEqual(deadline);
    expect(Math.abs((seen.get("price") ?? 0) - deadline)).toBeLessThan(200);
    expect(seen.get("admit")).toBeGreaterThan(deadline + 1_000);
  });

  it("that is over lets nothing begin, here or there", async () => {
    fresh();
    let begun = 0;
    const stub = { "v1.product.price": () => (begun += 1) } as Stubs;
    const [here] = [await node("here", stub), await node("there", stub)];
    await knows(here, "v1.product.price", 2);
    const late = () => here.call("v1.product.price", { skus: ["1"] }, { deadline: Date.now() });
    await expect(late()).rejects.toMatchObject({ type: "DEADLINE_EXCEEDED" });
    await expect(late()).rejects.toMatchObject({ type: "DEADLINE_EXCEEDED" });
    expect(begun).toBe(0);
  });
});

describe("A call whose node went away under it", () => {
  it.each([
    ["is made again when it carries an Idempotency-Key", keyed, 3],
    ["is not made again without one", {}, 1],
  ])("%s", async (_, meta, made) => {
    fresh();
    const { calls, stub } = failing([gone, gone]);
    const caller = await node("caller", { "v1.product.create": stub });
    const outcome = await caller.call("v1.product.create", create, meta).catch((error: unknown) => error);
    expect(calls.made).toBe(made);
    expect(outcome instanceof Error).toBe(made === 1);
  });

  it("is made again at most as often as the table says", async () => {
    fresh();
    const { calls, stub } = failing([gone, gone, gone, gone]);
    const caller = await node("caller", { "v1.product.create": stub });
    await expect(caller.call("v1.product.create", create, keyed)).rejects.toMatchObject({ type: "REQUEST_REJECTED" });
    expect(calls.made).toBe(3);
  });

  it("is not made again for a refusal, nor for what happened further down", async () => {
    fresh();
    const further = new Errors.RequestRejectedError({ action: "v1.product.price", nodeID: "some" });
    for (const error of [fail("SKU_EXISTS", "It exists"), further]) {
      const { calls, stub } = failing([error]);
      const caller = await node(`caller of ${error.name}`, { "v1.product.create": stub });
      await expect(caller.call("v1.product.create", create, keyed)).rejects.toThrow();
      expect(calls.made).toBe(1);
      await nodes.pop()?.stop();
    }
  });
});

describe("Calls for one SKU", () => {
  it("go to one node, whoever makes them, and to the next one when it leaves", async () => {
    fresh();
    const served = new Map<string, Set<string>>();
    const on = (id: string): Stubs => ({
      "v1.inventory.release": ({ sku }: { sku: string }) => {
        served.set(sku, (served.get(sku) ?? new Set()).add(id));
        return {};
      },
    });
    const ids = ["stock-1", "stock-2", "stock-3"];
    await Promise.all(ids.map(id => node(id, on(id))));
    const callers = await Promise.all([node("caller-1"), node("caller-2")]);
    await Promise.all(callers.map(caller => knows(caller, "v1.inventory.release", 3)));
    const skus = Array.from({ length: 30 }, (_, index) => `SKU ${String(index)}`);
    const release = async () => {
      served.clear();
      for (const sku of skus)
        for (const caller of callers) await caller.call("v1.inventory.release", { orderId: "1", sku });
    };
    await release();
    const among = ids.map(id => ({ id }));
    for (const sku of skus) expect([...(served.get(sku) ?? [])]).toEqual([choose(sku, among)?.id]);
    expect(new Set([...served.values()].flatMap(set => [...set])).size).toBe(3);
    const [leaving] = nodes.splice(
      nodes.findIndex(({ broker }) => broker.nodeID === "stock-1"),
      1,
    );
    await leaving?.stop();
    await release();
    for (const sku of skus) expect([...(served.get(sku) ?? [])]).toEqual([choose(sku, among.slice(1))?.id]);
  });
});
