// What a stop waits for.
import { afterEach, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { startNode, type TestNode } from "../../support/nodes.ts";

const stock = { sku: "A", onHand: 1, reserved: 0, allocated: 0, available: 1, version: 1 };

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A node of ours beside a bare one, which answers when `answer` does, in time or not. */
async function besides(answer: () => Promise<unknown>): Promise<TestNode> {
  const namespace = randomUUID();
  // Without middlewares: else it would answer in time that it is late.
  const bare = { transporter: "Fake" as const, logger: false, internalMiddlewares: false };
  const far = new ServiceBroker({ namespace, nodeID: "far", ...bare });
  far.createService({ name: "inventory", version: 1, actions: { get: answer } });
  await far.start();
  ends.push(() => far.stop());
  const near = await startNode([namespace, null], "near", {});
  await near.broker.waitForServices({ name: "inventory", version: 1 });
  return near;
}

describe("A node that stops", () => {
  it("does not wait for a call to another node that timed out, whose answer nobody takes any more", async () => {
    const near = await besides(() => Promise.withResolvers<unknown>().promise);
    await expect(near.call("v1.inventory.get", { sku: "A" }, { deadline: Date.now() + 300 })).rejects.toMatchObject({
      name: "RequestTimeoutError",
    });
    const begin = performance.now();
    await near.stop();
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it("waits for a call to another node that is still on its way", async () => {
    const [asked, answer] = [Promise.withResolvers<undefined>(), Promise.withResolvers<unknown>()];
    const near = await besides(() => {
      asked.resolve(undefined);
      return answer.promise;
    });
    let isStopped = false;
    const call = near.call("v1.inventory.get", { sku: "A" }, { deadline: Date.now() + 8_000 });
    await asked.promise;
    const stopped = near.stop().then(() => (isStopped = true));
    setTimeout(answer.resolve, 300, stock);
    expect(await call).toEqual(stock);
    expect(isStopped).toBe(false);
    await stopped;
  });
});
