// What the nodes of a cluster log is asked and changed from one of them, over Moleculer's bus for tests.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Params, Result } from "../../core/contracts/index.ts";
import { client } from "../support/client.ts";
import { startNode, type TestNode } from "../support/nodes.ts";

type Levels = Result<"v1.registry.logLevels">;

const api = client("", "");
let count = 0;
let asked: TestNode;
let seller: TestNode;

beforeEach(async () => {
  count += 1;
  const cluster = [`levels${String(count)}`, null] as const;
  seller = await startNode(cluster, "seller-1", { "v1.product.get": () => ({}) });
  asked = await startNode(cluster, "registry-1", {}, { registry: true });
  await api.until(levels, ({ items }) => items.length === 2);
});
afterEach(async () => {
  await Promise.all([asked.stop(), seller.stop()]);
});

const levels = (): Promise<Levels> => asked.call("v1.registry.logLevels", {});
const set = (change: Params<"v1.registry.setLogLevel">) => asked.call("v1.registry.setLogLevel", change);
const told = ({ items, silent }: Levels) => ({
  nodes: Object.fromEntries(
    items.map(({ node, level, modules }) => [node, [level, ...modules.map(own => `${own.module}: ${own.level}`)]]),
  ),
  silent,
});

/** Hears nothing more, and the others do not know yet. */
async function deafen({ broker }: TestNode): Promise<void> {
  await broker.transit?.tx.disconnect();
}

describe("The log levels of two nodes", () => {
  it("are told by each", async () => {
    const answer = await levels();
    expect(told(answer)).toEqual({ nodes: { "registry-1": ["fatal"], "seller-1": ["fatal"] }, silent: [] });
    expect(answer.items.map(({ known }) => known.includes("product"))).toEqual([false, true]);
  });

  it("change on both, or on the one that is named", async () => {
    expect(told(await set({ level: "error" })).nodes).toEqual({ "registry-1": ["error"], "seller-1": ["error"] });
    expect(told(await set({ level: "warn", node: "seller-1" })).nodes).toEqual({ "seller-1": ["warn"] });
    expect(told(await levels()).nodes).toEqual({ "registry-1": ["error"], "seller-1": ["warn"] });
    await set({ level: "default" });
    expect(told(await levels()).nodes).toEqual({ "registry-1": ["fatal"], "seller-1": ["fatal"] });
  });

  it("change for a module where there is one, however it is written", async () => {
    const changed = { "registry-1": ["fatal"], "seller-1": ["fatal", "product: error"] };
    expect(told(await set({ level: "error", module: "Product" })).nodes).toEqual(changed);
    expect(told(await levels()).nodes).toEqual(changed);
  });

  it("stay when there is no such node or module, and the refusal says which there are", async () => {
    await expect(set({ level: "error", node: "seller-2" })).rejects.toMatchObject({
      type: "VALIDATION_FAILED",
      message: "No node is called seller-2: take one of registry-1, seller-1",
    });
    await expect(set({ level: "error", module: "prodcut" })).rejects.toMatchObject({
      type: "VALIDATION_FAILED",
      message: expect.stringMatching(/^No module is called prodcut: take one of .*\bproduct\b/),
    });
    await expect(set({ level: "error", module: "product", node: "registry-1" })).rejects.toMatchObject({
      type: "VALIDATION_FAILED",
    });
    expect(told(await levels()).nodes).toEqual({ "registry-1": ["fatal"], "seller-1": ["fatal"] });
  });

  it("name a node that does not answer, and do not wait for it for long", async () => {
    await deafen(seller);
    const began = performance.now();
    const missed = { nodes: { "registry-1": ["error"] }, silent: ["seller-1"] };
    expect(told(await set({ level: "error" }))).toEqual(missed);
    expect(told(await levels())).toEqual(missed);
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(told(await set({ level: "error", node: "seller-1" }))).toEqual({ nodes: {}, silent: ["seller-1"] });
  });
});
