// The profiles monitoring and load of the Compose file: what is watched, who hears of it, and a load test from inside.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { knownServices } from "../../core/node.ts";
import { requireDocker, servicesWithoutImage } from "../../scripts/compose/docker.ts";
import { Stack } from "../../scripts/compose/stack.ts";
import { openContainerShop, within } from "./shop.ts";

const watchers = ["prometheus", "alertmanager", "node-exporter"];
const INVENTORIES = 3;
const WARM_ORDERS = 200;
/** What is promised of a replica that left. */
const GONE_MS = 30_000;
/** Far above what it takes, for machines that do much else. */
const PATIENCE_MS = 300_000;

await requireDocker();
const missing = [await servicesWithoutImage("monitoring"), await servicesWithoutImage("load")].flat();

let stack: Stack;
let prometheus: string;

/** Passed over, and its line says why, where the image of one of these services cannot be had. */
function needing(services: readonly string[], what: string, test: () => Promise<void>): void {
  const lacking = services.filter(name => missing.includes(name));
  if (lacking.length === 0) it(what, test);
  else it.skip(`${what} (no image of ${lacking.join(", ")} here)`, test);
}

async function urlOf(service: string, port: number): Promise<string> {
  const [url] = await stack.urls(service, port);
  if (url === undefined) throw new Error(`${service} publishes no port`);
  return url;
}

async function read<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${String(answer.status)} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Of Prometheus' API. */
const ask = async <T>(path: string): Promise<T> => (await read<{ data: T }>(`${prometheus}/api/v1/${path}`)).data;

interface Target {
  readonly job: string;
  readonly services: readonly string[];
  readonly health: string;
  readonly lastError: string;
}

async function targets(): Promise<Target[]> {
  const { activeTargets } = await ask<{
    activeTargets: { labels: Record<string, string>; health: string; lastError: string }[];
  }>("targets?state=active");
  return activeTargets.map(({ labels: { job = "", node_services: services = "" }, health, lastError }) => ({
    ...{ job, health, lastError },
    services: services.split(",").filter(name => name !== ""),
  }));
}

const inventories = async (): Promise<Target[]> =>
  (await targets()).filter(({ services }) => services.includes("inventory"));

const areUp = (all: readonly Target[]): boolean => all.every(({ health }) => health === "up");

/** The one value of an expression; 0 while there is none. */
async function value(expression: string): Promise<number> {
  const { result } = await ask<{ result: { value: [number, string] }[] }>(
    `query?query=${encodeURIComponent(expression)}`,
  );
  return Number(result[0]?.value[1] ?? 0);
}

/** A shop that has just started is slow at first, and a load test judges how fast it is. */
async function warm(): Promise<void> {
  const shop = await openContainerShop(stack, 10);
  const load = shop.load("warm");
  await within(
    PATIENCE_MS,
    () => Promise.resolve(load.placed.length),
    placed => placed >= WARM_ORDERS,
  ).finally(() => load.stop());
}

beforeAll(async () => {
  stack = await Stack.start({
    scale: {},
    env: {
      COMPTOIR_LOG_LEVEL: "warn",
      PROMETHEUS_REMOTE_WRITE_URL: "http://prometheus:9090/api/v1/write",
      ...{ LOAD: "checkout", LOAD_RATE: "2", LOAD_DURATION: "20s", LOAD_SKUS: "10" },
    },
  });
  // Grafana wants a secret, and its dashboards are tested elsewhere.
  const there = watchers.filter(name => !missing.includes(name));
  if (there.length > 0) await stack.add(there);
  if (there.includes("prometheus")) prometheus = await urlOf("prometheus", 9090);
});

afterAll(async () => {
  await stack.down();
});

describe("Prometheus", () => {
  needing(watchers, "scrapes a node of every service, the machine, the Alertmanager and itself", async () => {
    const nodes = (all: readonly Target[]) => all.filter(({ job }) => job === "comptoir");
    const isThere = (all: readonly Target[], name: string) =>
      nodes(all).some(({ services }) => services.includes(name));
    const all = await within(
      PATIENCE_MS,
      targets,
      found => areUp(found) && knownServices().every(name => isThere(found, name)),
    );
    expect(
      nodes(all)
        .flatMap(({ services }) => services)
        .sort(),
    ).toEqual(knownServices().sort());
    const others = all.filter(({ job }) => job !== "comptoir").map(({ job }) => job);
    expect(others.sort()).toEqual(watchers.toSorted());
  });

  needing(["prometheus"], "finds new replicas, and forgets within 30 s those that were taken away", async () => {
    await stack.scale("inventory", INVENTORIES);
    await within(PATIENCE_MS, inventories, found => found.length === INVENTORIES && areUp(found));
    await stack.scale("inventory", 1);
    await within(GONE_MS, inventories, found => found.length === 1);
  });
});

describe("An alert", () => {
  needing(["prometheus", "alertmanager"], "reaches by mail who is to be woken", async () => {
    const { activeAlertmanagers } = await ask<{ activeAlertmanagers: object[] }>("alertmanagers");
    expect(activeAlertmanagers).toHaveLength(1);
    const answer = await fetch(`${await urlOf("alertmanager", 9093)}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ labels: { alertname: "OnlyATest", severity: "page" } }]),
    });
    expect(answer.status).toBe(200);
    const query = encodeURIComponent("to:page@comptoir.local subject:OnlyATest");
    const search = `${await urlOf("mailpit", 8025)}/api/v1/search?query=${query}`;
    const mails = () => read<{ messages: { Subject: string }[] }>(search);
    const { messages } = await within(PATIENCE_MS, mails, found => found.messages.length > 0);
    expect(messages.map(({ Subject }) => Subject)).toEqual([expect.stringContaining("FIRING")]);
  });
});

describe("A load test from inside", () => {
  needing(["prometheus", "k6"], "holds its thresholds, and Prometheus has what it counted", async () => {
    await warm();
    const lines = (await stack.run("k6")).split("\n");
    const summary = JSON.parse(lines.findLast(line => line.startsWith("{")) ?? "{}") as {
      orders?: { accepted: number };
    };
    expect(summary).toMatchObject({ scenario: "checkout", crossed: [], orders: { lost: 0, broken: 0 } });
    const accepted = summary.orders?.accepted ?? 0;
    expect(accepted).toBeGreaterThan(0);
    await within(
      PATIENCE_MS,
      () => value("sum(k6_orders_accepted_total)"),
      found => found === accepted,
    );
  });
});
