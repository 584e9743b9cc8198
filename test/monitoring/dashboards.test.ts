// Every panel of every dashboard shows something, asked of a real Prometheus that scrapes a shop at work and its machine,
// and to which k6 pushes what it measures of a checkout beside the other traffic.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Result } from "../../core/contracts/index.ts";
import { findK6, startK6 } from "../../scripts/load/k6.ts";
import { login, startNode, temporaryFolder } from "../../scripts/support/node-process.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startNodeExporter } from "../../scripts/support/servers.ts";
import { client, type Client } from "../support/client.ts";
import { dotsOf, drawn, filledIn, valuesOf, withoutFallback, type Source } from "../support/dashboards/grafana.ts";
import { marketRound, openMarket } from "../support/dashboards/market-day.ts";
import { boards, panelsOf, type Target } from "../support/dashboards/panels.ts";
import { quiet } from "../support/dashboards/quiet.ts";
import { SCRAPE_S, startScraping } from "../support/dashboards/scraping.ts";
import { spawnLoad } from "../support/load-process.ts";
import { ROOT } from "../support/shop-process.ts";
import { startReceiver, type OtlpReceiver } from "../support/otlp-receiver.ts";

/** Invariants, as a load test says that ran before. */
const BROKEN = 3;
const SHOWN_WITHIN_MS = 90_000;
/** Once k6 has to be built from its source. */
const START_MS = 600_000;

const data = temporaryFolder();
let prometheus: Server;
let traces: OtlpReceiver;
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
  traces = await startReceiver();
  ends.unshift(() => traces.stop());
  const env = {
    ...{ COMPTOIR_AUDIT_INTERVAL: "1", COMPTOIR_LOG_LEVEL: "warn" },
    ...{ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces.url, OTEL_TRACES_SAMPLER_ARG: "1" },
  };
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
  await pushBroken(BROKEN);
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

const nameOf = ({ title: board }: (typeof boards)[number], panel: string, { legendFormat = "" }: Target): string =>
  `${board.replace("Comptoir / ", "")}, ${panel}, ${legendFormat}`;

/** Queries of a dashboard that have nothing to show, with where they stand; what they show in place of nothing does not count. */
async function empty(board: (typeof boards)[number]): Promise<string[]> {
  const variables = await filledIn(board, source);
  const missing: string[] = [];
  for (const { title, targets = [] } of panelsOf(board))
    for (const target of targets) {
      const where = nameOf(board, title, target);
      const expr = where in quiet ? target.expr : withoutFallback(target.expr);
      if ((await drawn({ ...target, expr }, variables, source)).length === 0) missing.push(`${where}: ${expr}`);
    }
  return missing;
}

/** Queries of a dashboard that promise dots and have none that leads to a trace that was sent. */
async function dotless(board: (typeof boards)[number]): Promise<string[]> {
  const variables = await filledIn(board, source);
  const sent = new Set(traces.spans.map(({ traceId }) => traceId));
  const missing: string[] = [];
  for (const { title, targets = [] } of panelsOf(board))
    for (const target of targets.filter(({ exemplar }) => exemplar === true)) {
      const dots = await dotsOf(target, variables, source);
      if (!dots.some(id => sent.has(id))) missing.push(`${title}: ${target.expr}`);
    }
  return missing;
}

/** A load test whose look at the books finds so much. */
async function pushBroken(count: number): Promise<void> {
  const audit = join(ROOT, "load", "lib", "audit.ts");
  const script = join(data, "broken.js");
  writeFileSync(
    script,
    `import { report } from ${JSON.stringify(audit)};
     export default () => {};
     export const handleSummary = () => ({});
     export const teardown = () => report(Array(${String(count)}).fill("broken by the test of the dashboards"));`,
  );
  const env = { PATH: process.env["PATH"] ?? "", K6_PROMETHEUS_RW_SERVER_URL: `${prometheus.url}/api/v1/write` };
  const { code } = await startK6(await findK6(() => undefined), { script, env, isPushed: true, isQuiet: true }).ended;
  expect(code).toBe(0);
}

/** What is still missing when it was waited for long enough. */
async function lasting(missing: () => Promise<string[]>): Promise<string[]> {
  const end = Date.now() + SHOWN_WITHIN_MS;
  for (;;) {
    const found = await missing();
    if (found.length === 0 || Date.now() > end) return found;
    await pause(1_000);
  }
}

describe("Each dashboard of a shop at work", () => {
  it.each(boards.map(board => [board.title, board] as const))("%s shows something in every panel", async (_, board) => {
    expect(await lasting(() => empty(board))).toEqual([]);
  });

  it("lacks nothing by a list that names what there is no more", () => {
    const all = boards.flatMap(board =>
      panelsOf(board).flatMap(({ title, targets = [] }) => targets.map(target => nameOf(board, title, target))),
    );
    expect(Object.keys(quiet).filter(name => !all.includes(name))).toEqual([]);
  });

  it.each(boards.map(board => [board.title, board] as const))(
    "%s has dots where it promises them",
    async (_, board) => {
      expect(await lasting(() => dotless(board))).toEqual([]);
    },
  );

  it("shows on Load how much was broken, although k6 says it once, at the end of a test", async () => {
    const board = boards.find(({ uid }) => uid === "comptoir-load");
    if (board === undefined) throw new Error("There is no dashboard Load");
    const variables = await filledIn(board, source);
    const targets = panelsOf(board).flatMap(({ targets: own = [] }) => own);
    const asking = targets.filter(({ expr }) => expr.includes("k6_invariants_broken_total"));
    const now = async () =>
      (await Promise.all(asking.map(target => drawn(target, variables, source)))).map(series =>
        series.map(each => each.at(-1)),
      );
    expect(await api.until(now, seen => JSON.stringify(seen) !== "[[0]]")).toEqual([[BROKEN]]);
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
