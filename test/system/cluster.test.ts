// The same code as many processes on real servers: it starts, takes an import, sells through every gateway, and ends.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { rmSync } from "node:fs";
import type { Result } from "../../core/contracts/index.ts";
import type { Order } from "../../core/contracts/order.ts";
import { stopTimesOf } from "../../core/deadlines.ts";
import { knownServices } from "../../core/node.ts";
import { replicasOf, startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { temporaryFolder } from "../../scripts/support/node-process.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { expectNoFinding } from "../support/audited.ts";
import { client, type Client } from "../support/client.ts";
import { everyEvent } from "../support/event-topics.ts";
import { EXPECTED, isWhole, SAMPLE, sumsOf } from "../support/imported.ts";
import { ended, startImport } from "../support/shop-process.ts";

interface RegistryNode {
  readonly id: string;
  readonly available: boolean;
}

const START_MS = 600_000;
const IMPORT_MS = 900_000;
/** What a node may take by its own rules, and what the operating system takes for twenty of them at once. */
const STOP_MS = stopTimesOf({ mode: "cluster" }).deadlineMs + 2_000;

/** Two of every service, three of the busiest one. Those that have little to do share their processes. */
const counts: Readonly<Record<string, number>> = {
  inventory: 3,
  order: 2,
  billing: 2,
  notification: 2,
  bridge: 2,
  gateway: 2,
};
const others = knownServices().filter(name => !(name in counts));

let servers: Servers;
let cluster: Cluster;
/** In turn, whatever else has failed. */
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  servers = await requireServers(process.env);
  ends.unshift(() => servers.stop());
  const env = { COMPTOIR_AUDIT_INTERVAL: "15" };
  cluster = await startCluster({ servers, nodes: [...replicasOf(counts), { services: others, count: 2 }], env });
  ends.unshift(() => cluster.kill());
}, START_MS);

afterAll(async () => {
  for (const end of ends) await end();
});

/** One client per gateway. */
async function clients(): Promise<Client[]> {
  const token = await cluster.adminToken();
  return cluster.gateways().map(url => client(url, token));
}

describe("A cluster of two of every service", () => {
  it("shows every node at each gateway", async () => {
    const names = cluster.nodes.map(({ name }) => name).sort();
    for (const api of await clients()) {
      const nodes = await api.until(
        async () => (await api.get<{ items: RegistryNode[] }>("/v1/registry/nodes")).items,
        all => names.every(name => all.some(({ id, available }) => id === name && available)),
      );
      expect(nodes.map(({ id }) => id).sort()).toEqual(names);
    }
  });

  it(
    "brings the sample in to the penny, and every event of it into Kafka, in order",
    async () => {
      const data = temporaryFolder();
      const { code, summary, stderr } = await ended(startImport({ url: cluster.gateways()[0] ?? "", data }, SAMPLE));
      rmSync(data, { recursive: true });
      if (code !== 0) throw new Error(`The import ended with ${String(code)}: ${stderr.slice(-2_000)}`);
      expect(summary).toMatchObject(EXPECTED);
      const [api] = await clients();
      if (api === undefined) throw new Error("There is no gateway");
      await isWhole(api, SAMPLE);
      expect(await sumsOf(api)).toEqual([EXPECTED.revenue, -EXPECTED.credits]);

      // The audit runs beside it: not one false alarm, not even one that was taken back.
      const looked = await expectNoFinding(api);
      expect(looked.get("invoices")).toBeGreaterThanOrEqual(EXPECTED.orders);

      const findings = await everyEvent(api, servers, cluster.namespace);
      expect(findings).toMatchObject({ missing: [], inversions: [], astray: [] });
      expect(findings.events).toBeGreaterThan(EXPECTED.orders * 10);
    },
    IMPORT_MS,
  );

  it("sells through each gateway, and each knows the other's orders", async () => {
    const [first, second, ...more] = await clients();
    if (first === undefined || second === undefined) throw new Error("There are no two gateways");
    expect(more).toEqual([]);
    await first.post("/v1/products", { sku: "MUG", name: "Mug", price: { amount: 255, currency: "GBP" } }, "product");
    await second.post("/v1/inventory/MUG/receipts", { quantity: 10 }, "receipt");
    const order = {
      ...{ email: "guest@example.org", currency: "GBP", payment: { method: "pm_card_visa" } },
      lines: [{ sku: "MUG", quantity: 1 }],
    };
    for (const [key, here, there] of [
      ["one", first, second],
      ["two", second, first],
    ] as const) {
      const { status, body } = await here.post<Order>("/v1/orders", order, key);
      expect({ status, body }).toMatchObject({ status: 201, body: { status: "CONFIRMED" } });
      const seen = await there.until(
        () => there.get<Order>(`/v1/orders/${body.id}`),
        ({ invoiceId }) => invoiceId !== null,
      );
      expect(seen).toMatchObject({ id: body.id, paymentStatus: "CAPTURED" });
    }
  });

  it("ends in time once everything is delivered, each node with exit code 0", async () => {
    const [api] = await clients();
    await api?.until(
      () => api.get<Result<"v1.bridge.lag">>("/v1/events/lag"),
      ({ items }) => items.length > 0 && items.every(({ behind }) => behind === 0),
    );
    const begin = Date.now();
    const stopped = await Promise.all(
      cluster.nodes.map(async node => {
        const code = await node.stop();
        console.log(node.name, "ended after", Date.now() - begin, "ms");
        return { name: node.name, code, isLate: Date.now() - begin > STOP_MS, log: node.log().slice(-2_000) };
      }),
    );
    expect(stopped.filter(({ code, isLate }) => code !== 0 || isLate)).toEqual([]);
    expect(stopped).toHaveLength(cluster.nodes.length);
  });
});
