// One order through a cluster of real processes is one trace in Zipkin, from the request to the mail.
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { knownServices } from "../../core/node.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { requireServers, startZipkin, type Servers } from "../../scripts/support/servers.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { client } from "../support/client.ts";
import { order, stocked } from "../support/market.ts";

interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind?: string;
  readonly localEndpoint: { readonly serviceName: string };
  readonly tags?: Readonly<Record<string, string>>;
}

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const alone = ["gateway", "order", "inventory", "billing", "notification", "bridge"];

const WHOLE_MS = 60_000;
/** What an order's trace has, by service. */
const awaited: Readonly<Record<string, readonly string[]>> = {
  gateway: ["post /v1/orders"],
  order: ["v1.order.place", "place order", "update orders"],
  inventory: ["v1.inventory.reserve", "v1.inventory.commit"],
  billing: ["v1.billing.authorize", "v1.billing.capture", "process order.confirmed.v1"],
  bridge: ["send order.confirmed.v1", "send invoice.issued.v1"],
  notification: ["process order.confirmed.v1", "process invoice.issued.v1"],
};

let servers: Servers;
let zipkin: Server;
let cluster: Cluster;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  servers = await requireServers(process.env);
  ends.unshift(() => servers.stop());
  zipkin = await startZipkin();
  ends.unshift(() => zipkin.stop());
  const others = knownServices().filter(name => !alone.includes(name) && name !== "audit");
  cluster = await startCluster({
    servers,
    nodes: [{ services: others }, ...alone.map(name => ({ services: [name] }))],
    env: {
      OTEL_TRACES_EXPORTER: "zipkin",
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${zipkin.url}/api/v2/spans`,
      OTEL_TRACES_SAMPLER_ARG: "0",
      COMPTOIR_LOG_LEVEL: "info",
    },
  });
  ends.unshift(() => cluster.kill());
}, 600_000);

afterAll(async () => {
  for (const end of ends) await end();
});

async function spansOf(traceId: string): Promise<ZipkinSpan[]> {
  const answer = await fetch(`${zipkin.url}/api/v2/trace/${traceId}`);
  return answer.ok ? ((await answer.json()) as ZipkinSpan[]) : [];
}

const at = (spans: readonly ZipkinSpan[], service: string): string[] =>
  spans.filter(({ localEndpoint }) => localEndpoint.serviceName === service).map(({ name }) => name);

it("shows an order in one trace: gateway, order, inventory, billing, Kafka, invoice and mail", async () => {
  const [url = ""] = cluster.gateways();
  const token = await cluster.adminToken();
  await stocked(client(url, token));
  const answer = await fetch(`${url}/v1/orders`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": "traced",
      "x-request-id": "request-of-a-shop",
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify(order),
  });
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as { id: string };

  // Each process sends its own, and when it likes.
  let spans: ZipkinSpan[] = [];
  const missing = () =>
    Object.entries(awaited).flatMap(([service, names]) => {
      const there = at(spans, service);
      return names.filter(name => !there.includes(name)).map(name => `${service}: ${name}`);
    });
  const strays = () => {
    const ids = new Set(spans.map(span => span.id));
    return spans.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
  };
  const end = Date.now() + WHOLE_MS;
  while ((missing().length > 0 || strays().length > 1) && Date.now() < end) {
    await pause(200);
    spans = await spansOf(trace);
  }
  expect(missing()).toEqual([]);
  // Each hangs on another one of them, and the first on the caller's own.
  expect(strays().map(({ name, parentId }) => [name, parentId])).toEqual([["post /v1/orders", "00f067aa0ba902b7"]]);
  const sent = spans.find(({ name }) => name === "send order.confirmed.v1");
  expect([sent?.kind, sent?.tags?.["messaging.system"]]).toEqual(["PRODUCER", "kafka"]);

  // The lines of the log say the same trace, the client's own request id, and whose they are.
  const lines = cluster
    .node("order-1")
    .log()
    .split("\n")
    .filter(line => line.includes(trace))
    .map(line => JSON.parse(line) as Record<string, unknown>);
  expect(lines.find(({ msg }) => msg === "order.confirmed.v1")).toMatchObject({
    level: "info",
    svc: "order",
    traceId: trace,
    requestId: "request-of-a-shop",
    orderId: id,
  });
});

it("keeps a failure of which nobody wanted a trace, and nothing of what went well", async () => {
  const [url = ""] = cluster.gateways();
  const good = "5bf92f3577b34da6a3ce929d0e0e4736";
  const bad = "6bf92f3577b34da6a3ce929d0e0e4736";
  const ask = (path: string, traceId: string) =>
    fetch(`${url}${path}`, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-00` } });
  expect((await ask("/v1/products/A", good)).status).toBe(200);
  await cluster.with("product")[0]?.kill();
  while ((await ask("/v1/products/A", bad)).status !== 503) await pause(100);
  while ((await spansOf(bad)).length === 0) await pause(200);
  expect(at(await spansOf(bad), "gateway")).toContain("get /v1/products/{sku}");
  expect(await spansOf(good)).toEqual([]);
});
