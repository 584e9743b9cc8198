// What becomes of calls when nodes and NATS are slow, frozen, gone and back: real NATS, several brokers.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Server } from "../../scripts/support/server-process.ts";
import { startNats, startToxiproxy } from "../../scripts/support/servers.ts";
import { expose } from "../../core/metrics/registry.ts";
import type { Result } from "../../core/contracts/index.ts";
import type { Request } from "../../core/request.ts";
import { client } from "../support/client.ts";
import { signer, staff, type Stubs } from "../support/gateway.ts";
import { startNode, type TestNode } from "../support/nodes.ts";

const api = client("", "");
let nats: Server;
let count = 0;
let cluster: readonly [string, string] = ["", ""];
const nodes: TestNode[] = [];

beforeAll(async () => {
  nats = await startNats();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(node => node.stop()));
});
afterAll(() => nats.stop());

const fresh = (): void => {
  count += 1;
  cluster = [`resilience${String(count)}`, nats.address];
};
async function node(id: string, stubs: Stubs, parts: Parameters<typeof startNode>[3] = {}): Promise<TestNode> {
  const started = await startNode(cluster, id, stubs, parts);
  nodes.push(started);
  return started;
}
const knows = (who: TestNode, ...others: string[]) =>
  api.until(
    () => Promise.resolve(who.broker.registry.nodes.toArray().filter(({ available }) => available)),
    there => others.every(id => there.some(found => found.id === id && found.services.length > 1)),
  );

const never = () => new Promise(() => undefined);
const product = (sku: string) => ({
  sku,
  name: sku,
  price: { amount: 100, currency: "GBP" },
  taxRate: 0,
  status: "ACTIVE",
  version: 1,
});
const unavailable = {
  status: 503,
  retryAfter: expect.stringMatching(/^[1-9]/),
  body: { code: "SERVICE_UNAVAILABLE" },
};

describe("a deadline", () => {
  it("travels over every hop, gets shorter on its way, and what comes too late is not begun", async () => {
    fresh();
    const begun: string[] = [];
    /** What each hop has left when it begins: clocks of two nodes are never compared. */
    const left: number[] = [];
    const note = ({ deadline }: Request): void => void left.push(deadline - Date.now());
    await node("far", {
      "v1.product.price": (_params: never, request: Request) => {
        note(request);
        begun.push("price");
        return { products: [] };
      },
    });
    await node("near", {
      "v1.order.get": async (_params: never, request: Request) => {
        note(request);
        await request.call("v1.product.price", { skus: ["1"] });
        return {};
      },
    });
    const caller = await node("caller", {});
    await knows(caller, "near", "far");
    await caller.call("v1.order.get", { id: "1" }, { deadline: Date.now() + 1_500 });
    expect(left).toHaveLength(2);
    const [near = NaN, far = NaN] = left;
    expect(near).toBeLessThanOrEqual(1_500);
    expect(far).toBeLessThanOrEqual(near);
    expect(far).toBeGreaterThan(800);
    await expect(caller.call("v1.product.price", { skus: ["1"] }, { deadline: Date.now() - 1 })).rejects.toMatchObject({
      type: "DEADLINE_EXCEEDED",
    });
    expect(begun).toHaveLength(1);
  });
});

describe("a node whose action does not answer", () => {
  it("is left alone behind an open circuit, tried again, and taken back; the registry and the metric say so", async () => {
    fresh();
    let healthy = false;
    await node("slow", { "v1.product.get": ({ sku }: { sku: string }) => (healthy ? product(sku) : never()) });
    const key = await signer("first");
    const keys = async () => ({ keys: [await key.jwk()] });
    const door = await node("door", { "v1.account.jwks": keys }, { gateway: true });
    // As in a cluster: who tells of the circuits is not who has them.
    const registry = await node("registry", {}, { registry: true });
    await knows(door, "slow", "registry");
    await knows(registry, "slow", "door");
    const first = await Promise.all(
      Array.from({ length: 12 }, (_, index) => door.get(`/v1/products/${String(index)}`)),
    );
    for (const answer of first) expect(answer).toMatchObject(unavailable);
    const quick = await door.get("/v1/products/1");
    expect(quick).toMatchObject(unavailable);
    expect(quick.ms).toBeLessThan(1_000);
    const breaker = async () => {
      const { body } = await door.get("/v1/registry/services", await key.sign(staff("ops:read")));
      const { items } = body as Result<"v1.registry.services">;
      return items.flatMap(({ actions }) => actions).find(({ name }) => name === "v1.product.get")?.breaker;
    };
    const metric = async () =>
      /comptoir_circuit_breaker_state\{action="v1.product.get",node="slow"\} (\d)/.exec((await expose()).body)?.[1];
    expect(await breaker()).toBe("OPEN");
    expect(await metric()).toBe("2");
    healthy = true;
    await api.until(breaker, state => state === "HALF_OPEN");
    expect(await metric()).toBe("1");
    expect(await door.get("/v1/products/1")).toMatchObject({ status: 200 });
    expect(await breaker()).toBe("CLOSED");
    expect(await metric()).toBe("0");
  });
});

describe("a service", () => {
  it("that is away is 503 within a second, and is found when it comes, comes back and moves", async () => {
    fresh();
    const door = await node("door", { "v1.account.jwks": () => ({ keys: [] }) }, { gateway: true });
    const stubs = { "v1.product.get": ({ sku }: { sku: string }) => product(sku) } as Stubs;
    const away = await door.get("/v1/products/1");
    expect(away).toMatchObject(unavailable);
    expect(away.ms).toBeLessThan(1_000);
    await door.health.poll();
    expect(door.health.degraded.join()).toMatch(/^services: none of .*v1\.product/);
    for (const id of ["first", "second"]) {
      const one = await node(id, stubs);
      await api.until(
        () => door.get("/v1/products/1"),
        ({ status }) => status === 200,
      );
      await one.stop();
      const gone = await door.get("/v1/products/1");
      expect(gone).toMatchObject(unavailable);
      expect(gone.ms).toBeLessThan(1_000);
    }
  });

  it("that stops in order loses no call, though each is made by whoever comes", async () => {
    fresh();
    const stubs = {
      "v1.product.get": async ({ sku }: { sku: string }) => (await new Promise(r => setTimeout(r, 5)), product(sku)),
    } as Stubs;
    const [one] = [await node("one", stubs), await node("two", stubs)];
    const caller = await node("caller", {});
    await knows(caller, "one", "two");
    let running = true;
    let done = 0;
    const failures: unknown[] = [];
    const loop = async () => {
      while (running) {
        await caller.call("v1.product.get", { sku: "1" }).then(
          () => (done += 1),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const loops = Array.from({ length: 8 }, loop);
    await api.until(
      () => Promise.resolve(done),
      made => made > 100,
    );
    await one.stop();
    const before = done;
    await api.until(
      () => Promise.resolve(done),
      made => made > before + 100,
    );
    running = false;
    await Promise.all(loops);
    expect(failures).toEqual([]);
  });

  it("that dies is noticed by its silence: a read goes to another node, a command without a key is told", async () => {
    fresh();
    const dying = await node("dying", { "v1.product.get": never, "v1.product.create": never });
    const caller = await node("caller", {});
    await knows(caller, "dying");
    const began = Date.now();
    const read = caller.call("v1.product.get", { sku: "1" }, { deadline: began + 14_000 });
    const command = caller.call("v1.product.create", { sku: "1", name: "1", price: { amount: 1, currency: "GBP" } });
    command.catch(() => undefined);
    await api.until(
      () => Promise.resolve(caller.broker.transit?.pendingRequests.size),
      size => size === 2,
    );
    await dying.vanish();
    await node("living", { "v1.product.get": ({ sku }: { sku: string }) => product(sku) });
    await expect(read).resolves.toMatchObject({ sku: "1" });
    await expect(command).rejects.toMatchObject({
      type: expect.stringMatching(/REQUEST_(REJECTED|TIMEOUT)/),
    });
    await api.until(
      () => Promise.resolve(caller.broker.registry.nodes.get("dying").available),
      available => !available,
    );
    expect(Date.now() - began).toBeLessThan(12_000);
    expect(caller.broker.transit?.pendingRequests.size).toBe(0);
  });
});

describe("NATS", () => {
  const outage = async (leave: () => Promise<void> | void, back: () => Promise<void> | void) => {
    fresh();
    await node("far", { "v1.product.get": ({ sku }: { sku: string }) => product(sku) });
    const stubs = { "v1.account.jwks": () => ({ keys: [] }), "v1.customer.get": () => ({}) };
    const door = await node("door", stubs, { gateway: true });
    await api.until(
      () => door.get("/v1/products/1"),
      ({ status }) => status === 200,
    );
    await leave();
    await api.until(
      () => Promise.resolve(door.health.reasons),
      reasons => reasons.includes("nats: NATS is away"),
    );
    const quick = await door.get("/v1/products/1");
    expect(quick).toMatchObject(unavailable);
    expect(quick.ms).toBeLessThan(1_000);
    // What this process does itself goes on.
    await expect(door.call("v1.customer.get", { id: "1" })).resolves.toEqual({});
    // Longer than the silence after which a node counts as gone.
    const left = Date.now();
    await api.until(
      () => Promise.resolve(Date.now() - left),
      ms => ms > 9_000,
    );
    await back();
    const returned = Date.now();
    await api.until(
      () => door.get("/v1/products/1"),
      ({ status }) => status === 200,
    );
    expect(Date.now() - returned).toBeLessThan(5_000);
    expect(door.health.reasons).toEqual([]);
  };

  it("frozen: remote calls fail at once, the node says why it is not ready, and all is well when it is back", () =>
    outage(
      () => {
        nats.freeze();
      },
      () => {
        nats.thaw();
      },
    ));

  it("killed and started again: the same", () =>
    outage(
      () => nats.kill(),
      () => nats.restart(),
    ));

  it("back for the caller only: nobody waits for a node that cannot hear yet, and it is called once it is heard", async () => {
    fresh();
    const toxiproxy = await startToxiproxy();
    try {
      const proxy = await toxiproxy.proxy(nats.address);
      const [namespace, direct] = cluster;
      cluster = [namespace, proxy.address];
      await node("far", { "v1.product.get": ({ sku }: { sku: string }) => product(sku) });
      cluster = [namespace, direct];
      const door = await node("door", { "v1.account.jwks": () => ({ keys: [] }) }, { gateway: true });
      const answers = (status: number) =>
        api.until(
          () => door.get("/v1/products/1"),
          answer => answer.status === status,
        );
      await answers(200);
      await proxy.cut();
      await nats.kill();
      await nats.restart();
      await api.until(
        () => Promise.resolve(door.health.reasons),
        reasons => reasons.length === 0,
      );
      const quick = await door.get("/v1/products/1");
      expect(quick).toMatchObject(unavailable);
      expect(quick.ms).toBeLessThan(1_000);
      await proxy.heal();
      await answers(200);
    } finally {
      // A node whose NATS is gone for good would look for it for ever.
      await Promise.all(nodes.splice(0).map(each => each.stop()));
      await toxiproxy.stop();
    }
  });
});
