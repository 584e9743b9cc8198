// Prometheus finds the nodes of a cluster by asking one that runs the registry service.
import { afterEach, describe, expect, it } from "@jest/globals";
import { hostname } from "node:os";
import { discoveryPage, reachableAt, targetsOf, type Target } from "../../core/discovery.ts";
import { Readiness, startOps, type OpsPages } from "../../core/ops.ts";
import { RELEASE } from "../../core/release.ts";
import { client } from "../support/client.ts";
import { startNode, type TestNode } from "../support/nodes.ts";

const api = client("", "");
const nodes: TestNode[] = [];
let count = 0;

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(node => node.stop()));
});

async function pair(): Promise<[registry: TestNode, seller: TestNode]> {
  count += 1;
  const cluster = [`discovery${String(count)}`, null] as const;
  const registry = await startNode(cluster, "registry-1", {}, { registry: true, ops: "10.0.0.1:3100" });
  nodes.push(registry);
  const stubs = { "v1.product.get": () => ({}), "v1.order.get": () => ({}) };
  const seller = await startNode(cluster, "seller-1", stubs, { ops: "seller.local:41234" });
  nodes.push(seller);
  return [registry, seller];
}

const namesIn = (targets: readonly Target[]) => targets.map(({ labels }) => labels.node);
const seenBy = ({ broker }: TestNode, names: readonly string[]) =>
  api.until(
    () => Promise.resolve(targetsOf(broker)),
    targets => JSON.stringify(namesIn(targets)) === JSON.stringify(names),
  );

const whole: readonly Target[] = [
  { targets: ["10.0.0.1:3100"], labels: { node: "registry-1", node_services: ",registry," } },
  { targets: ["seller.local:41234"], labels: { node: "seller-1", node_services: ",order,product," } },
];

describe("Service discovery", () => {
  it("lists every node with its ops address and services, on a node of the registry only", async () => {
    const [registry, seller] = await pair();
    await seenBy(registry, ["registry-1", "seller-1"]);
    await api.until(
      () => Promise.resolve(discoveryPage(registry.broker, ["registry"])),
      ({ body }) => JSON.stringify(body) === JSON.stringify(whole),
    );
    await seenBy(seller, ["registry-1", "seller-1"]);
    expect(discoveryPage(registry.broker, ["registry"])).toEqual({ status: 200, body: whole });
    expect(discoveryPage(seller.broker, ["order", "product"])).toEqual({
      status: 404,
      body: {
        status: "not here",
        detail: "Only a node that runs the registry service answers /targets",
        try: ["http://10.0.0.1:3100/targets"],
      },
    });
  });

  it("forgets a node that left, and knows it again when it is back", async () => {
    const [registry, seller] = await pair();
    await seenBy(registry, ["registry-1", "seller-1"]);
    await seller.stop();
    nodes.pop();
    await seenBy(registry, ["registry-1"]);
    const again = await startNode([registry.broker.namespace, null], "seller-1", {}, { ops: "elsewhere:1" });
    nodes.push(again);
    const back = await seenBy(registry, ["registry-1", "seller-1"]);
    expect(back[1]).toEqual({ targets: ["elsewhere:1"], labels: { node: "seller-1", node_services: ",," } });
  });

  it("leaves out who has no ops port: an operator's REPL", async () => {
    const [registry] = await pair();
    await seenBy(registry, ["registry-1", "seller-1"]);
    nodes.push(await startNode([registry.broker.namespace, null], "repl-1", {}));
    await api.until(
      () => Promise.resolve(registry.broker.registry.nodes.toArray().some(({ id }) => id === "repl-1")),
      Boolean,
    );
    expect(namesIn(targetsOf(registry.broker))).toEqual(["registry-1", "seller-1"]);
  });

  it("is in the registry's own list too, with the release and Node's version", async () => {
    const [registry] = await pair();
    await seenBy(registry, ["registry-1", "seller-1"]);
    const { items } = await registry.call("v1.registry.nodes", {});
    expect(items.find(({ id }) => id === "seller-1")).toMatchObject({
      version: RELEASE,
      nodeVersion: process.versions.node,
      ops: "seller.local:41234",
    });
    expect(RELEASE).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe("The address of an ops port", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1:3100"],
    ["shop.example", "shop.example:3100"],
    ["fd00::1", "[fd00::1]:3100"],
    ["0.0.0.0", `${hostname()}:3100`],
    ["::", `${hostname()}:3100`],
  ])("that listens on %s is %s", (host, address) => {
    expect(reachableAt(host, 3100)).toBe(address);
  });
});

describe("The ops port", () => {
  it("answers /targets as Prometheus asks, without a token, once the node knows the cluster", async () => {
    const pages: OpsPages = {};
    const ops = await startOps("127.0.0.1", 0, new Readiness(), pages);
    const url = `http://127.0.0.1:${String(ops.port)}`;
    try {
      expect((await fetch(`${url}/targets`)).status).toBe(503);
      pages.targets = () => ({ status: 200, body: whole });
      const answer = await fetch(`${url}/targets`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(await answer.json()).toEqual(whole);
      const unknown = await fetch(`${url}/nothing`);
      expect([unknown.status, await unknown.json()]).toEqual([
        404,
        { status: "not found", try: ["/live", "/ready", "/metrics", "/targets"] },
      ]);
    } finally {
      ops.close();
    }
  });
});
