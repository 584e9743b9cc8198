// Processes die at any moment, one after the other, under load: nothing that was accepted is lost or done twice.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { replicasOf, startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";
import { createChance } from "../simulation/chance.ts";
import { scale } from "../support/scale.ts";
import { longestPause, startTrade } from "../support/trade.ts";

const LEASE_S = 5;
const AWAY_MS = 1_000;
const twice = ["account", "product", "customer", "inventory", "order", "billing", "notification", "bridge", "gateway"];
const counts = { ...Object.fromEntries(twice.map(name => [name, 2])), registry: 1, audit: 1 };

let servers: Servers;
let cluster: Cluster;

beforeAll(async () => {
  servers = await requireServers(process.env);
  const env = { COMPTOIR_SAGA_LEASE: String(LEASE_S), COMPTOIR_AUDIT_INTERVAL: "5" };
  cluster = await startCluster({ servers, nodes: replicasOf(counts), env });
}, scale.timeoutMs);

afterAll(async () => {
  await cluster.kill();
  await servers.stop();
});

describe(`${String(scale.kills)} processes killed under load`, () => {
  it(
    "lose no accepted order, charge nobody twice, oversell nothing and skip no number",
    async () => {
      const trade = await startTrade(cluster, { name: "kills", concurrency: 4, ratePerSecond: 8 });
      const seed = Number(process.env["SEED"] ?? Date.now() % 100_000);
      console.log(`SEED=${String(seed)}`);
      const chance = createChance(seed);
      const killable = cluster.nodes.filter(({ services }) => services.every(name => twice.includes(name)));
      for (let killed = 0; killed < scale.kills; killed += 1) {
        const victim = chance.pick(killable);
        await victim.kill();
        await pause(AWAY_MS);
        await victim.restart();
      }
      const report = await trade.close();
      const still = await longestPause(trade.api);
      const { sent, accepted, retried, failed, answers, latency, seconds } = report;
      console.log({ sent, accepted, retried, failed, answers, latency, seconds, still });
      expect(await trade.violations()).toEqual([]);
      expect(failed / sent).toBeLessThan(0.01);
      expect(accepted).toBeGreaterThan(scale.kills * 5);
      expect(still).toBeLessThan((LEASE_S + 2) * 1000);
    },
    scale.timeoutMs,
  );
});
