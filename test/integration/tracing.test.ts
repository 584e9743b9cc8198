import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { setTimeout as sleep } from "node:timers/promises";
import { brokerOptions } from "../../moleculer.config.ts";
import { scopes } from "../../core/contracts/action.ts";
import { fail } from "../../core/errors.ts";
import type { Principal } from "../../core/request.ts";
import { currentTraceId, traceIdHere } from "../../core/tracing/scope.ts";
import { startTracing, type Tracing } from "../../core/tracing/start.ts";
import { SpanKind, startSpan, traced } from "../../core/tracing/tracer.ts";
import { startBrokerShop, type BrokerShop } from "../support/broker-shop.ts";
import { testConfig } from "../support/config.ts";
import { addStubs, startGateway, type Stubs } from "../support/gateway.ts";
import { startReceiver, type OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { countSpans } from "../support/spans.ts";
import { until } from "../support/until.ts";

const service: Principal = { kind: "service", id: "test" };
const meta = { principal: service };
const trace = "0af7651916cd43dd8448eb211c80319c";
const incoming = `00-${trace}-b7ad6b7169203331-01`;
/** More than enough for what is on its way to arrive. */
const PATIENCE_MS = 20_000;
const silent = { info: () => undefined, warn: () => undefined };

let receiver: OtlpReceiver;
let tracing: Tracing | undefined;
const stops: (() => Promise<unknown>)[] = [];

async function record(ratio: number, changes: { url?: string; slowMs?: number } = {}): Promise<Tracing> {
  const options = { exporter: "otlp", url: receiver.url, ratio, slowMs: 1_000, serviceName: null, ...changes } as const;
  tracing = await startTracing({ ...testConfig, tracing: options, services: ["order"] }, silent);
  return tracing;
}

const named = (name: string): ReceivedSpan => {
  const found = receiver.spans.filter(span => span.name === name);
  expect(found.map(span => span.name)).toEqual([name]);
  return found[0] as ReceivedSpan;
};

/** Two nodes that only know each other by packets. */
async function twoNodes(stubs: Stubs): Promise<{ caller: ServiceBroker; answerer: ServiceBroker }> {
  const namespace = `tracing-${String(process.hrtime.bigint())}`;
  const [caller, answerer] = ["caller", "answerer"].map(
    nodeID =>
      new ServiceBroker({ ...brokerOptions(testConfig), logger: false, namespace, nodeID, transporter: "Fake" }),
  ) as [ServiceBroker, ServiceBroker];
  addStubs(answerer, stubs);
  await Promise.all([caller.start(), answerer.start()]);
  stops.push(() => Promise.all([caller.stop(), answerer.stop()]));
  await caller.waitForServices({ name: "order", version: 1 });
  return { caller, answerer };
}

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()));
  await tracing?.stop(PATIENCE_MS);
  tracing = undefined;
  await receiver.stop();
});

describe("A call to another node", () => {
  it("is one span here and one there, and what the handler calls is below it, in one trace", async () => {
    await record(1);
    const { caller } = await twoNodes({
      "v1.order.get": (_params, request) => request.call("v1.product.price", { skus: ["A"] }),
      "v1.product.price": () => ({ products: [] }),
    });
    await caller.call("v1.order.get", { id: "1" }, { meta });
    await tracing?.stop(PATIENCE_MS);
    const get = receiver.spans.filter(({ name }) => name === "v1.order.get");
    const [there, here] = get;
    expect(get.map(({ kind }) => kind)).toEqual([2, 3]);
    expect(there?.parent).toBe(here?.id);
    expect(there?.attributes).toEqual({ "rpc.system": "moleculer", "rpc.service": "v1.order", "rpc.method": "get" });
    expect(there?.resource).toMatchObject({ "service.name": "order", "service.namespace": "test" });
    expect(named("v1.product.price")).toMatchObject({ parent: there?.id, kind: 1, traceId: there?.traceId });
  });

  it("carries the trace's name also while nobody records, and then makes no span", async () => {
    const seen: string[] = [];
    const { caller } = await twoNodes({
      "v1.order.get": async (_params, request) => {
        seen.push(traceIdHere(), request.traceId, String(currentTraceId()));
        await request.call("v1.product.price", { skus: ["A"] });
        return {};
      },
      "v1.product.price": () => {
        seen.push(traceIdHere());
        return { products: [] };
      },
    });
    await caller.call("v1.order.get", { id: "1" }, { meta: { ...meta, traceparent: incoming } });
    expect(seen).toEqual([trace, trace, trace, trace]);
    expect(receiver.requests()).toBe(0);
  });

  it("tells a refusal by its code and not as a fault, and anything else as one", async () => {
    await record(1);
    const { caller } = await twoNodes({
      "v1.order.get": () => {
        throw fail("ORDER_NOT_FOUND", "There is no order 1");
      },
      "v1.order.timeline": () => {
        throw new TypeError("secret@example.org");
      },
    });
    await expect(caller.call("v1.order.get", { id: "1" }, { meta })).rejects.toThrow("There is no order 1");
    await expect(caller.call("v1.order.timeline", { id: "1" }, { meta })).rejects.toThrow();
    await tracing?.stop(PATIENCE_MS);
    const told = receiver.spans.filter(({ kind }) => kind === 2);
    expect(told.map(({ attributes, isError }) => [attributes["error.type"], isError])).toEqual([
      ["ORDER_NOT_FOUND", false],
      ["TypeError", true],
    ]);
    expect(JSON.stringify(receiver.spans)).not.toContain("secret@");
  });
});

describe("Sampling", () => {
  it("sends nothing of an unsampled call that goes well, and all of one that fails or takes long", async () => {
    await record(0, { slowMs: 2_000 });
    const { caller } = await twoNodes({
      "v1.order.get": async ({ id }: { id: string }) => {
        if (id === "slow") await sleep(2_100);
        if (id === "broken") throw new TypeError("broken");
        if (id === "missing") throw fail("ORDER_NOT_FOUND", "There is no such order");
        if (id === "refused") throw fail("OVERLOADED", "Too many orders");
        return {};
      },
    });
    for (const id of ["good", "missing", "refused", "broken", "slow"])
      await caller.call("v1.order.get", { id }, { meta }).catch(() => undefined);
    await tracing?.stop(PATIENCE_MS);
    const traces = Map.groupBy(receiver.spans, ({ traceId }) => traceId);
    expect([...traces.values()].map(spans => spans.map(({ kind }) => kind))).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(receiver.spans.map(({ isError }) => isError)).toEqual([true, true, false, false]);
  });

  it("keeps the share of the traces that was asked for", async () => {
    await record(0.25);
    for (let count = 0; count < 4_000; count += 1)
      startSpan({ name: "root", kind: SpanKind.INTERNAL, attributes: {}, parent: null })?.end();
    await tracing?.stop(PATIENCE_MS);
    expect(receiver.spans.length).toBeGreaterThan(850);
    expect(receiver.spans.length).toBeLessThan(1_150);
  });

  it("judges what begins after its parent has ended on its own", async () => {
    await record(0, { slowMs: 50 });
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    let afterwards: Promise<unknown> = Promise.resolve();
    await traced({ name: "quick", kind: SpanKind.INTERNAL, attributes: {}, parent: null }, () => {
      afterwards = ended.then(() =>
        traced({ name: "afterwards", kind: SpanKind.INTERNAL, attributes: {} }, () => sleep(60)),
      );
      return Promise.resolve();
    });
    end(undefined);
    await afterwards;
    await tracing?.stop(PATIENCE_MS);
    expect(receiver.spans.map(({ name }) => name)).toEqual(["afterwards"]);
  });

  it("follows the decision that a traceparent brings along", async () => {
    await record(0);
    const { caller } = await twoNodes({ "v1.order.get": () => ({}) });
    await caller.call("v1.order.get", { id: "1" }, { meta: { ...meta, traceparent: incoming } });
    await tracing?.stop(PATIENCE_MS);
    expect(receiver.spans.map(({ traceId }) => traceId)).toEqual([trace, trace]);
  });
});

describe("A receiver that is away, or never answers", () => {
  it.each(["away", "silent"])("slows no call and no stop when it is %s", async how => {
    const held = await startReceiver(() => undefined);
    stops.push(() => held.stop());
    await record(1, { url: how === "away" ? "http://127.0.0.1:1/v1/traces" : held.url });
    const { caller } = await twoNodes({ "v1.order.get": () => ({}) });
    for (let count = 0; count < 20; count += 1) await caller.call("v1.order.get", { id: "1" }, { meta });
    const counted = await countSpans();
    const begin = Date.now();
    await tracing?.stop(200);
    expect(Date.now() - begin).toBeLessThan(1_000);
    expect(await counted()).toMatchObject({ exported: 0, queue: 0, held: 0 });
  });
});

describe("A request from outside", () => {
  const nothing = (url: string, headers: Record<string, string>) =>
    fetch(`${url}/v1/orders/1`, { headers }).then(async response => ({
      requestId: response.headers.get("x-request-id"),
      problem: (await response.json()) as { traceId: string },
    }));

  it("goes on with the trace that it names, sampled or not, and its problem names the same one", async () => {
    const gateway = await startGateway({});
    stops.push(() => gateway.stop());
    for (const traceparent of [`${incoming.slice(0, -2)}00`, incoming, `01${incoming.slice(2, -2)}03-more`]) {
      const { problem, requestId } = await nothing(gateway.url, { traceparent });
      expect([problem.traceId, requestId]).toEqual([trace, trace]);
    }
  });

  it("is taken as sampled whatever else a later version's flags say", async () => {
    const seen: (string | undefined)[] = [];
    const gateway = await startGateway({ "v1.product.get": () => (seen.push(currentTraceId()), {}) });
    stops.push(() => gateway.stop());
    for (const end of ["01", "03", "00"])
      await fetch(`${gateway.url}/v1/products/A`, { headers: { traceparent: incoming.slice(0, -2) + end } });
    await fetch(`${gateway.url}/v1/products/A`, { headers: { traceparent: `01${incoming.slice(2, -2)}00-more1` } });
    expect(seen).toEqual([trace, trace, undefined, undefined]);
  });

  it("gets a trace of its own when it names none, or none that is one", async () => {
    const gateway = await startGateway({});
    stops.push(() => gateway.stop());
    for (const traceparent of ["", "00-abc-def-01", incoming.toUpperCase(), `${incoming}, ${incoming}`]) {
      const { problem, requestId } = await nothing(gateway.url, { traceparent, "x-request-id": "my-own-id" });
      expect(problem.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
      expect(problem.traceId).not.toBe(trace);
      expect(requestId).toBe("my-own-id");
    }
  });

  it("is a span with its route, never its path, and the code of its problem", async () => {
    await record(1);
    const gateway = await startGateway({ "v1.order.get": () => ({}) });
    stops.push(() => gateway.stop());
    const { problem } = await nothing(gateway.url, {});
    await until(() => receiver.spans.length > 0);
    const span = named("GET /v1/orders/{id}");
    expect(span).toMatchObject({ kind: 2, traceId: problem.traceId, isError: false });
    expect(span.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.route": "/v1/orders/{id}",
      "http.response.status_code": 401,
      "error.type": "UNAUTHENTICATED",
    });
  });
});

/** One product, ten of it, and an order for one. */
async function placeOrder({ broker }: BrokerShop, traceparent: string): Promise<void> {
  const admin: Principal = { kind: "user", id: "admin", scopes, customerId: null };
  const ask = (action: string, params: object, more: object = {}) => {
    const idempotency = { key: action, fingerprint: action };
    return broker.call(action, params, { meta: { principal: admin, idempotency, ...more } });
  };
  await ask("v1.product.create", { sku: "A", name: "A", price: { amount: 255, currency: "GBP" } });
  await ask("v1.inventory.receive", { sku: "A", quantity: 10 });
  const lines = [{ sku: "A", quantity: 1 }];
  const order = { email: "guest@example.org", currency: "GBP", lines, payment: { method: "pm_card_visa" } };
  await ask("v1.order.place", order, { traceparent });
}

describe("An order", () => {
  it("is one trace with its saga, its store, its events and what subscribers did because of them", async () => {
    const shop = await startBrokerShop();
    stops.push(() => shop.stop());
    await record(1);
    await placeOrder(shop, incoming);
    const ofOrder = () => new Set(receiver.spans.filter(({ traceId }) => traceId === trace).map(({ name }) => name));
    await until(() => ofOrder().has("process invoice.issued.v1"));
    const names = ofOrder();
    for (const name of [
      "v1.order.place",
      "place order",
      "update orders",
      "v1.inventory.reserve",
      "v1.billing.authorize",
      "v1.billing.capture",
      "send order.confirmed.v1",
      "process order.confirmed.v1",
      "send invoice.issued.v1",
    ])
      expect(names).toContain(name);
    const delivery = receiver.spans.find(({ name, links }) => name.startsWith("deliver to") && links.includes(trace));
    expect(delivery?.traceId).not.toBe(trace);
  });
});
