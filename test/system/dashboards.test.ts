// Every panel of every dashboard shows something, asked of a real Prometheus that scrapes a shop at work and its machine,
// and to which k6 pushes what it measures of a checkout beside the other traffic.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Result } from "../../core/contracts/index.ts";
import { findK6 } from "../../scripts/load/k6.ts";
import { login, startNode, temporaryFolder } from "../../scripts/support/node-process.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startNodeExporter } from "../../scripts/support/servers.ts";
import { client, type Client } from "../support/client.ts";
import { drawable, filledIn, valuesOf, type Source } from "../support/dashboards/grafana.ts";
import { marketRound, openMarket } from "../support/dashboards/market-day.ts";
import { boards, panelsOf } from "../support/dashboards/panels.ts";
import { SCRAPE_S, startScraping } from "../support/dashboards/scraping.ts";
import { spawnLoad } from "../support/load-process.ts";

const SHOWN_WITHIN_MS = 90_000;
/** Once k6 has to be built from its source. */
const START_MS = 600_000;

const data = temporaryFolder();
let prometheus: Server;
let api: Client;
let source: Source;
/** Ends the traffic. */
const closing = new AbortController();
const ends: (() => unknown)[] = [
  () => {
    rmSync(data, { recursive: true, force: true });
  },
];

async function trade(url: string): Promise<void> {
  for (let round = 0; !closing.signal.aborted; round += 1) await marketRound(api, url, round);
}

/** `npm run load -- checkout` until it is stopped. */
function startLoad(url: string) {
  const child = spawnLoad({
    url,
    args: ["checkout", "--rate", "2", "--duration", "10m", "--skus", "5"],
    env: {
      PROMETHEUS_REMOTE_WRITE_URL: `${prometheus.url}/api/v1/write`,
      // As often as the other targets are scraped.
      K6_PROMETHEUS_RW_PUSH_INTERVAL: `${String(SCRAPE_S)}s`,
    },
  });
  for (const output of [child.stdout, child.stderr]) output.resume();
  const exited = once(child, "exit");
  return {
    async stop() {
      child.kill("SIGINT");
      await exited;
    },
  };
}

beforeAll(async () => {
  await findK6(() => undefined);
  const env = { COMPTOIR_AUDIT_INTERVAL: "1", COMPTOIR_LOG_LEVEL: "warn" };
  const shop = await startNode({ data, env, timeoutMs: 60_000 });
  ends.unshift(() => shop.end("SIGTERM"));
  const url = String(shop.url);
  api = client(url, await login(url));
  const { items } = await api.get<Result<"v1.registry.services">>("/v1/registry/services");
  const services = items.map(({ name }) => name.split(".").at(-1) ?? name);
  const address = new URL(shop.opsUrl).host;
  const exporter = await startNodeExporter();
  ends.unshift(() => exporter.stop());
  prometheus = await startScraping({ address, node: "all-1", services, machine: new URL(exporter.url).host });
  ends.unshift(() => prometheus.stop());
  source = { url: prometheus.url, scrapeSeconds: SCRAPE_S, rangeSeconds: 300 };
  await openMarket(api);
  const load = startLoad(url);
  ends.unshift(() => load.stop());
  const traffic = trade(url);
  ends.unshift(() => {
    closing.abort();
    return traffic;
  });
}, START_MS);

afterAll(async () => {
  for (const end of ends) await end();
});

/** Queries of a dashboard that have nothing to show, with where they stand. */
async function empty(board: (typeof boards)[number]): Promise<string[]> {
  const variables = await filledIn(board, source);
  const missing: string[] = [];
  for (const { title, targets = [] } of panelsOf(board))
    for (const target of targets)
      if ((await drawable(target, variables, source)) === 0) missing.push(`${title}: ${target.expr}`);
  return missing;
}

describe("Each dashboard of a shop at work", () => {
  it.each(boards.map(board => [board.title, board] as const))("%s shows something in every panel", async (_, board) => {
    const end = Date.now() + SHOWN_WITHIN_MS;
    let missing = await empty(board);
    while (missing.length > 0 && Date.now() < end) {
      await pause(1_000);
      missing = await empty(board);
    }
    expect(missing).toEqual([]);
  });

  it("offers every service to choose from", async () => {
    const board = boards.find(({ uid }) => uid === "comptoir-service");
    const variable = board?.templating.list.find(({ name }) => name === "service");
    if (variable === undefined) throw new Error("The dashboard has no variable service");
    const services = await api.until(
      () => valuesOf(variable, source),
      values => values.length > 5,
    );
    expect(services).toEqual(expect.arrayContaining(["order", "inventory", "billing", "product", "notification"]));
  });
});
