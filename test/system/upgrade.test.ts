// Two rolling upgrades under load, in which the stored order gets another shape: old and new processes on the same documents (ADR 22).
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Order } from "../../core/contracts/order.ts";
import { MongoDump } from "../../core/store/mongo-dump.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { orderLoad } from "../../scripts/support/load.ts";
import { temporaryFolder } from "../../scripts/support/node-process.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { disagreements, settledBooks } from "../support/books.ts";
import { client } from "../support/client.ts";
import { stocked, UNITS } from "../support/market.ts";
import { ROOT } from "../support/shop-process.ts";

const START_MS = 600_000;
const folder = temporaryFolder();
let servers: Servers;
let cluster: Cluster;
const ends: (() => Promise<unknown>)[] = [];

type Replacements = readonly (readonly [from: string | RegExp, to: string])[];

/** This release with `createdAt` of the stored order renamed to `madeAt`. */
function release(name: string, more: string): string {
  const root = join(folder, name);
  mkdirSync(root);
  for (const part of ["core", "services", "moleculer.config.ts", "package.json"])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  const spec = `schemaVersion: 2, upgrades: { 1: ({ createdAt, ...rest }) => ({ ...rest, madeAt: createdAt }) }, ${more}`;
  const patches: Readonly<Record<string, Replacements>> = {
    "order.schema.ts": [["schemaVersion: 1,", spec]],
    "order.place.ts": [["createdAt: at", "madeAt: at"]],
    "order.view.ts": [["state.createdAt", "state.madeAt"]],
    "order.inspect.ts": [
      ["status, createdAt,", "status, madeAt: createdAt,"],
      [/state\.createdAt/g, "state.madeAt"],
    ],
  };
  for (const [file, replacements] of Object.entries(patches)) {
    const path = join(root, "services/order", file);
    const before = readFileSync(path, "utf8");
    const after = replacements.reduce((text, [from, to]) => text.replace(from, to), before);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
  }
  return root;
}

beforeAll(async () => {
  servers = await requireServers(process.env);
  ends.unshift(() => servers.stop());
  cluster = await startCluster({ servers, nodes: [{ count: 2 }], env: { COMPTOIR_SAGA_LEASE: "2" } });
  ends.unshift(() => cluster.kill());
}, START_MS);

afterAll(async () => {
  for (const end of ends) await end();
  rmSync(folder, { recursive: true });
});

/** How many orders are stored in each shape. */
async function shapes(): Promise<Record<string, number>> {
  const mongo = { url: servers.mongo, user: null, password: null, tls: null };
  const dump = await MongoDump.open(mongo, cluster.namespace);
  const found: Record<string, number> = {};
  for await (const { body } of dump.documents({ service: "order", collection: "orders" })) {
    const { schemaVersion, state } = JSON.parse(body) as { schemaVersion: number; state: object };
    const shape = `${String(schemaVersion)} ${"createdAt" in state ? "createdAt" : ""}${"madeAt" in state ? "madeAt" : ""}`;
    found[shape] = (found[shape] ?? 0) + 1;
  }
  await dump.close();
  return found;
}

/** One node after the other: the new one first, then the old one goes. */
async function roll(root: string): Promise<void> {
  for (const old of cluster.nodes.filter(({ isRunning }) => isRunning)) {
    const [node] = await cluster.add([{ root }]);
    await node?.untilReady();
    expect(await old.stop()).toBe(0);
  }
}

describe("A cluster that is upgraded while it sells", () => {
  it("fails no order after one retry, loses none, and ends with every document in the new shape readable", async () => {
    const token = await cluster.adminToken();
    await stocked(client(cluster.gateways()[0] ?? "", token));
    const load = orderLoad({
      ...{ urls: () => cluster.gateways(), token: () => token, skus: ["A"], name: "upgrade" },
      ...{ concurrency: 4, ratePerSecond: 15 },
    });
    // Also when the test fails in the middle.
    ends.unshift(() => load.stop().catch(() => undefined));
    const api = () => client(cluster.gateways()[0] ?? "", token);
    await api().until(
      () => Promise.resolve(load.placed.length),
      count => count > 20,
    );

    await roll(
      release("first", "writes: 1, downgrades: { 2: ({ madeAt, ...rest }) => ({ ...rest, createdAt: madeAt }) },"),
    );
    expect(Object.keys(await shapes())).toEqual(["1 createdAt"]);
    await roll(release("second", ""));
    const afterwards = load.placed.length;
    await api().until(
      () => Promise.resolve(load.placed.length),
      count => count > afterwards + 20,
    );
    const report = await load.stop();

    expect({ failed: report.failed, refused: report.refused }).toEqual({ failed: 0, refused: 0 });
    expect(report.accepted).toBe(report.sent);
    const books = await settledBooks(api(), "A");
    expect(disagreements(books, UNITS)).toEqual([]);
    const orders = new Map(books.orders.map(order => [order.id, order]));
    for (const id of report.orders.values()) expect(orders.get(id)?.status).toBe("CONFIRMED");
    expect(books.orders.filter(({ createdAt }: Order) => Number.isNaN(Date.parse(createdAt)))).toEqual([]);
    const { "1 createdAt": older = 0, "2 madeAt": newer = 0, ...mixed } = await shapes();
    expect(mixed).toEqual({});
    expect(older).toBeGreaterThan(0);
    expect(newer).toBeGreaterThan(20);
  }, 900_000);
});
