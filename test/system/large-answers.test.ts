// What is larger than NATS takes at once still arrives: real NATS with its own limit of 1 MB.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startNats } from "../../scripts/support/servers.ts";
import { startNode, type TestNode } from "../support/nodes.ts";

/** A hundred orders of a hundred lines are about as much. */
const PRODUCTS = 1_000;
const name = (sku: string): string => `${sku} ${"White hanging heart t-light holder, ".repeat(60)}`;

let nats: Server;
const nodes: TestNode[] = [];
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await Promise.all(nodes.map(node => node.stop()));
  await nats.stop();
});

describe("Two nodes over NATS", () => {
  it("hand each other questions and answers above a megabyte", async () => {
    const asked: number[] = [];
    const price = { amount: 1, currency: "GBP" };
    const answer = ({ skus }: { skus: string[] }) => {
      asked.push(skus.length);
      return { products: skus.map(sku => ({ sku, name: name(sku), price, taxRate: 0, status: "ACTIVE", version: 1 })) };
    };
    nodes.push(await startNode(["large", nats.address], "far", { "v1.product.price": answer }));
    const near = await startNode(["large", nats.address], "near", {});
    nodes.push(near);
    await near.broker.waitForServices(["v1.product"], 20_000);
    const skus = Array.from({ length: PRODUCTS }, (_, n) => `sku-${String(n)}`);
    const { products } = await near.call("v1.product.price", { skus });
    expect(JSON.stringify(products).length).toBeGreaterThan(2_000_000);
    expect(products.at(-1)).toMatchObject({ name: name(`sku-${String(PRODUCTS - 1)}`) });
    expect(asked).toEqual([PRODUCTS]);
  });

  it("hand on a question of a megabyte as one that is small", async () => {
    const [, near] = nodes;
    const lengths: number[] = [];
    const append = ({ events }: { events: { data: { sku: string } }[] }) => {
      lengths.push(...events.map(({ data }) => data.sku.length));
      return {};
    };
    nodes.push(await startNode(["large", nats.address], "bridge", { "v1.bridge.append": append }));
    await near?.broker.waitForServices(["v1.bridge"], 20_000);
    const event: Omit<CloudEvent, "data"> = {
      specversion: "1.0",
      ...{ id: "stock:A:1", source: "/comptoir/stock", type: "stock.low.v1", subject: "A", sequence: 1 },
      time: "2026-01-01T00:00:00.000Z",
      datacontenttype: "application/json",
    };
    for (const length of [1_500_000, 10]) {
      const data = { sku: "A".repeat(length), onHand: 1, reserved: 0, allocated: 0, available: 1 };
      await near?.call("v1.bridge.append", { events: [{ ...event, data }] });
    }
    expect(lengths).toEqual([1_500_000, 10]);
  });
});
