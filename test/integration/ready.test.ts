// Whether a node takes traffic, and why not, as a load balancer and an operator read it: GET /ready on its ops port.
import { expect, it } from "@jest/globals";
import { Readiness, startOps } from "../../core/ops.ts";
import { startNode } from "../support/nodes.ts";
import { seriesIn, valueOf } from "../support/scrape.ts";

it("/ready is 503 with every reason, and with what is missing besides, until there is none", async () => {
  const node = await startNode(["ready", null], "gateway-1", { "v1.product.get": () => ({}) }, { gateway: true });
  const readiness = new Readiness();
  readiness.block("starting");
  readiness.follow(node.health);
  let database: Promise<void> = Promise.reject(new Error("does not answer"));
  node.health.register("database order", () => database, { critical: true });
  const ops = await startOps("127.0.0.1", 0, readiness);
  const get = (path: string) => fetch(`http://127.0.0.1:${String(ops.port)}${path}`);
  const ready = async () => {
    const answer = await get("/ready");
    const json: unknown = await answer.json();
    return [answer.status, answer.headers.get("content-type"), json];
  };
  const shown = async () => valueOf(seriesIn(await (await get("/metrics")).text()), "comptoir_ready");
  const missing = "services: none of v1.account, v1.audit, ";
  try {
    await node.health.poll();
    expect(await ready()).toEqual([
      503,
      "application/json",
      {
        status: "unready",
        reasons: ["starting", "database order: does not answer"],
        degraded: [expect.stringContaining(missing)],
      },
    ]);
    expect([(await get("/live")).status, await shown()]).toEqual([200, 0]);
    readiness.clear("starting");
    expect(await ready()).toMatchObject([503, expect.anything(), { reasons: ["database order: does not answer"] }]);
    database = Promise.resolve();
    await node.health.poll();
    expect(await ready()).toMatchObject([200, expect.anything(), { status: "ready", reasons: [] }]);
    expect(await shown()).toBe(1);
    readiness.block("stopping");
    expect(await ready()).toMatchObject([503, expect.anything(), { reasons: ["stopping"] }]);
  } finally {
    ops.close();
    await node.stop();
  }
});

it("the ops port is for reading: another method is refused, and does not count as a scrape", async () => {
  const ops = await startOps("127.0.0.1", 0, new Readiness());
  try {
    const url = `http://127.0.0.1:${String(ops.port)}/metrics`;
    const answer = await fetch(url, { method: "POST" });
    expect([answer.status, answer.headers.get("allow"), await answer.json()]).toEqual([
      405,
      "GET, HEAD",
      { status: "method not allowed", try: "GET" },
    ]);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
  } finally {
    ops.close();
  }
});
