// A real Prometheus reads our configuration and rules, finds the nodes of a real cluster, and counts what was asked of it.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Order } from "../../core/contracts/order.ts";
import { knownServices } from "../../core/node.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { amtool, promtool, requireServers, startPrometheus } from "../../scripts/support/servers.ts";
import { client, type Client } from "../support/client.ts";
import { seriesIn, violationsIn } from "../support/scrape.ts";

const monitoring = join(import.meta.dirname, "..", "..", "monitoring");
const folder = join(monitoring, "prometheus");
const START_MS = 600_000;
const PATIENCE_MS = 300_000;
/** What is promised of a node that left. */
const GONE_MS = 30_000;

const api = client("", "");
const files = (under: string) => readdirSync(join(folder, under)).map(name => join(under, name));

describe("The rules and the configuration", () => {
  it(
    "are accepted by promtool, and each alert fires when it should and else stays silent",
    async () => {
      await promtool(["check", "rules", ...files("rules")], folder);
      for (const config of ["prometheus.yml", "prometheus.dns.yml"])
        await promtool(["check", "config", config], folder);
      expect(await promtool(["test", "rules", ...files("tests")], folder)).not.toContain("FAILED");
    },
    PATIENCE_MS,
  );

  it("route what wakes somebody elsewhere than what can wait", async () => {
    const file = join(monitoring, "alertmanager", "alertmanager.yml");
    await amtool(["check-config", file], monitoring);
    const route = (...labels: string[]) =>
      amtool(["config", "routes", "test", `--config.file=${file}`, ...labels], folder);
    expect((await route("alertname=Oversold", "severity=page")).trim()).toBe("page");
    expect((await route("alertname=DeadLetters", "severity=ticket")).trim()).toBe("ticket");
  });
});

interface ActiveTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

describe("A Prometheus beside a cluster", () => {
  let cluster: Cluster;
  let prometheus: Server;
  let shop: Client;
  /** In turn, whatever else has failed. */
  const ends: (() => Promise<unknown>)[] = [];

  /** Of the API. */
  async function ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${prometheus.url}/api/v1/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
    return ((await answer.json()) as { data: T }).data;
  }
  const targets = async () =>
    (await ask<{ activeTargets: ActiveTarget[] }>("targets?state=active")).activeTargets
      .filter(({ labels }) => labels["job"] === "comptoir")
      .sort((a, b) => (a.labels["node"] ?? "").localeCompare(b.labels["node"] ?? ""));
  const names = async () => (await targets()).map(({ labels }) => labels["node"]);
  const upAs = (expected: readonly string[]) =>
    api.until(
      targets,
      all =>
        JSON.stringify(all.map(({ labels }) => labels["node"])) === JSON.stringify(expected) &&
        all.every(({ health }) => health === "up"),
    );
  /** The one value of an expression; null when there is none. */
  async function value(expression: string): Promise<number | null> {
    const query = `query?query=${encodeURIComponent(expression)}`;
    const { result } = await ask<{ result: { value: [number, string] }[] }>(query);
    const [only, ...more] = result;
    expect(more).toEqual([]);
    return only === undefined ? null : Number(only.value[1]);
  }

  /** Ours, with shorter intervals and the addresses of this machine. */
  function configOf(targetsUrl: string): string {
    const config = parse(readFileSync(join(folder, "prometheus.yml"), "utf8")) as {
      scrape_configs: { job_name: string; http_sd_configs?: object[] }[];
    };
    const jobs = config.scrape_configs.filter(({ job_name: name }) => name === "comptoir");
    return stringify({
      global: { scrape_interval: "2s", scrape_timeout: "2s", evaluation_interval: "2s" },
      rule_files: [join(folder, "rules", "*.yml")],
      scrape_configs: jobs.map(job => ({ ...job, http_sd_configs: [{ url: targetsUrl, refresh_interval: "2s" }] })),
    });
  }

  beforeAll(async () => {
    const servers = await requireServers(process.env);
    ends.unshift(() => servers.stop());
    const behind = knownServices().filter(name => name !== "gateway");
    cluster = await startCluster({ servers, nodes: [{ services: ["gateway"] }, { services: behind }] });
    ends.unshift(() => cluster.kill());
    const [registry] = cluster.with("registry");
    prometheus = await startPrometheus(configOf(`${registry?.opsUrl ?? ""}/targets`));
    ends.unshift(() => prometheus.stop());
    shop = client(cluster.gateways()[0] ?? "", await cluster.adminToken());
  }, START_MS);

  afterAll(async () => {
    for (const end of ends) await end();
  });

  it("finds every node by the registry and scrapes it, with its name and services", async () => {
    const all = await upAs(cluster.nodes.map(({ name }) => name).sort());
    const found = all.map(({ labels }) => [labels["node"], labels["node_services"]]);
    const started = cluster.nodes.map(({ name, services }) => [name, `,${services.toSorted().join(",")},`]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(started));
    expect(await value("count(comptoir_ready == 1)")).toBe(2);
  });

  it("is told where to ask by a node that does not know", async () => {
    const [gateway] = cluster.with("gateway");
    const [registry] = cluster.with("registry");
    const answer = await fetch(`${gateway?.opsUrl ?? ""}/targets`);
    expect([answer.status, await answer.json()]).toMatchObject([404, { try: [`${registry?.opsUrl ?? ""}/targets`] }]);
  });

  it(
    "has a new node within seconds, and none that was stopped or killed 30 s later",
    async () => {
      const [stopped, killed] = await cluster.add([{ services: ["product"], count: 2 }]);
      if (stopped === undefined || killed === undefined) throw new Error("There are no two nodes");
      const two = cluster.nodes.slice(0, 2).map(({ name }) => name);
      await upAs([...two, stopped.name, killed.name].sort());
      await Promise.all([stopped.stop(), killed.kill()]);
      const left = Date.now();
      await api.until(names, found => JSON.stringify(found) === JSON.stringify([...two].sort()));
      expect(Date.now() - left).toBeLessThan(GONE_MS);
    },
    PATIENCE_MS,
  );

  it(
    "evaluates every rule",
    async () => {
      const rules = async () =>
        (
          await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>("rules")
        ).groups.flatMap(group => group.rules);
      const all = await api.until(rules, found => found.every(({ health }) => health !== "unknown"));
      expect(all.length).toBeGreaterThan(50);
      expect(all.filter(({ health }) => health !== "ok")).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    "counts a known number of requests: the metrics that every shop of this kind has",
    async () => {
      const price = { amount: 255, currency: "GBP" };
      for (const sku of ["A", "B", "C"]) await shop.post("/v1/products", { sku, name: `Product ${sku}`, price }, sku);
      for (const sku of ["A", "A", "A", "A", "A", "B", "B"]) await shop.get(`/v1/products/${sku}`);
      for (const again of [1, 2, 3]) await expect(shop.get(`/v1/products/NONE${String(again)}`)).rejects.toThrow(/404/);
      const views = '{service="product", endpoint="GET /v1/products/{sku}"}';
      const expected: readonly [string, number][] = [
        [`sum(app_requests_total${views})`, 10],
        ['sum(http_requests_by_status_code_total{status_code="404"})', 3],
        ['sum(http_requests_by_status_code_total{status_code="201"})', 3],
        [`sum(app_request_latency_seconds_count${views})`, 10],
        [`sum(app_request_latency_seconds_bucket{endpoint="GET /v1/products/{sku}", le="+Inf"})`, 10],
        ['sum(products_viewed_total{sku="A"})', 5],
        ['sum(products_viewed_total{sku="B"})', 2],
        ["max(product_catalog_size)", 3],
      ];
      const read = () =>
        Promise.all(expected.map(async ([expression]) => [expression, await value(expression)] as const));
      const seen = await api.until(read, found => JSON.stringify(found) === JSON.stringify(expected)).catch(read);
      expect(seen).toEqual(expected);
    },
    PATIENCE_MS,
  );

  it("reads of no node what the catalogue does not name, nor more values of a label than it allows", async () => {
    await shop.post("/v1/inventory/A/receipts", { quantity: 5 }, "receipt");
    const order = {
      ...{ email: "guest@example.org", currency: "GBP", payment: { method: "pm_card_visa" } },
      lines: [{ sku: "A", quantity: 1 }],
    };
    const { body } = await shop.post<Order>("/v1/orders", order, "order");
    await shop.until(
      () => shop.get<Order>(`/v1/orders/${body.id}`),
      ({ invoiceId }) => invoiceId !== null,
    );
    for (const { name, opsUrl } of cluster.nodes.filter(({ isRunning }) => isRunning)) {
      const series = seriesIn(await (await fetch(`${opsUrl}/metrics`)).text());
      expect([name, series.length > 100, violationsIn(series)]).toEqual([name, true, []]);
    }
  });
});
