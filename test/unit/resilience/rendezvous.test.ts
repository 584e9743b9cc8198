// Keys find their nodes alike everywhere, and stay there.
import { describe, expect, it } from "@jest/globals";
import { ServiceBroker, type Endpoint } from "moleculer";
import { choose, RENDEZVOUS } from "../../../core/strategies/rendezvous.ts";

const nodes = ["inventory-1", "inventory-2", "inventory-3"].map(id => ({ id }));
const keys = Array.from({ length: 3_000 }, (_, index) => `SKU ${String(index)}`);
const placed = (among: readonly { id: string }[]) => keys.map(key => choose(key, among)?.id);

describe("Rendezvous hashing", () => {
  it("spreads keys over the nodes", () => {
    const shares = [...Map.groupBy(placed(nodes), id => id).values()].map(({ length }) => length / keys.length);
    expect(shares).toHaveLength(3);
    for (const share of shares) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.04);
  });

  it("moves only the keys of a node that leaves, and brings them back with it", () => {
    const before = placed(nodes);
    const without = placed(nodes.slice(1));
    before.forEach((id, index) => {
      if (id !== "inventory-1") expect(without[index]).toBe(id);
    });
    expect(new Set(without)).toEqual(new Set(["inventory-2", "inventory-3"]));
    expect(placed(nodes)).toEqual(before);
  });

  it("does not depend on the order in which a caller knows the nodes", () => {
    expect(placed([...nodes].reverse())).toEqual(placed(nodes));
  });

  it("has no node where there is none", () => {
    expect(choose("1", [])).toBeNull();
  });
});

describe("As Moleculer's strategy", () => {
  it("goes to the next node while the first is behind an open circuit, and back when it is closed", async () => {
    const broker = new ServiceBroker({ logger: false, registry: { preferLocal: false } });
    const keyed = { handler: () => null, strategy: RENDEZVOUS, strategyOptions: { key: "sku" } };
    broker.createService({ name: "stock", actions: { keyed } });
    await broker.start();
    const list = broker.registry.getActionEndpoints("stock.keyed");
    // Two more nodes, as the registry would add them.
    for (const id of ["a", "b"]) list.add({ id } as never, { name: "stock" } as never, { name: "stock.keyed" });
    const chosen = (sku: string) => (list.next({ params: { sku } } as never) as Endpoint).id;
    const first = chosen("85123A");
    expect(new Set(Array.from({ length: 20 }, () => chosen("85123A")))).toEqual(new Set([first]));
    const endpoint = list.endpoints.find(({ id }) => id === first);
    if (endpoint === undefined) throw new Error("The chosen endpoint is not there");
    endpoint.state = false;
    const second = chosen("85123A");
    expect(second).not.toBe(first);
    endpoint.state = true;
    expect(chosen("85123A")).toBe(first);
    expect(new Set(Array.from({ length: 9 }, () => (list.next({ params: {} } as never) as Endpoint).id)).size).toBe(3);
    await broker.stop();
  });
});
