// The dashboards as data: no Grafana and no Prometheus is needed to see that they fit the shop.
import { describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../../../core/kernel/errors.ts";
import { files } from "../../../scripts/dashboards/files.ts";
import { uids } from "../../../scripts/dashboards/library/links.ts";
import { allPanels, boards, FOLDER, linksOf, panelsOf, type Panel } from "../../support/dashboards/panels.ts";
import { panelProblems, parsable, queryProblems } from "../../support/dashboards/problems.ts";
import { parsePromql } from "../../support/dashboards/promql.ts";
import { rules } from "../../support/rules.ts";

const root = join(FOLDER, "..", "..", "..");

describe("The committed dashboards", () => {
  it("are what the code makes (if not: npm run dashboards)", async () => {
    const made = await files();
    expect([...made.keys()].map(path => path.split("/").at(-1)).sort()).toEqual(boards.map(({ file }) => file).sort());
    for (const [path, text] of made) expect(readFileSync(join(root, path), "utf8")).toBe(text);
  });

  it("have addresses that never change, and one for each", () => {
    expect(Object.fromEntries(boards.map(({ file, uid }) => [file, uid]))).toEqual({
      "business.json": "comptoir-business",
      "infrastructure.json": "comptoir-infrastructure",
      "load.json": "comptoir-load",
      "overview.json": "comptoir-overview",
      "sagas-events.json": "comptoir-sagas-events",
      "service.json": "comptoir-service",
    });
  });

  it.each(boards.map(board => [board.file, board] as const))("%s has panels that lie side by side", (_file, board) => {
    const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${String(x + (index % w))},${String(y + Math.floor(index / w))}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(board.panels.filter(({ gridPos: { x, w } }) => x + w > 24).map(({ title }) => title)).toEqual([]);
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    const titles = panelsOf(board).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each(allPanels().map(({ where, panel }) => [where, panel] as const))("%s is complete", (_where, panel) => {
    expect(panelProblems(panel)).toEqual([]);
  });

  it.each(boards.map(board => [board.file, board] as const))(
    "%s asks the Prometheus that its reader picked, also for variables and annotations",
    (_file, { templating, annotations }) => {
      const asking = [...templating.list.filter(({ type }) => type === "query"), ...annotations.list];
      expect(asking.map(({ datasource }) => datasource?.uid)).toEqual(asking.map(() => "${datasource}"));
      expect(templating.list.map(({ type, query }) => [type, query])).toEqual(
        expect.arrayContaining([
          ["datasource", "prometheus"],
          ["datasource", "loki"],
          ["datasource", "jaeger"],
        ]),
      );
      for (const { expr = "" } of annotations.list) expect(parsePromql(parsable(expr)).errors).toEqual([]);
    },
  );

  it("uses only variables that it declares", () => {
    for (const board of boards) {
      const declared = board.templating.list.map(({ name }) => name);
      const texts = panelsOf(board).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
      const used = texts.flatMap(text => [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name));
      const unknown = used.filter(name => !name.startsWith("__") && !declared.includes(name));
      expect([board.file, unknown]).toEqual([board.file, []]);
    }
  });
});

describe("Words in capitals", () => {
  /** Statuses, directions of a saga, methods of HTTP, and what everybody calls so. */
  const others = new Set([
    ...["PENDING", "CONFIRMED", "REJECTED", "COMPLETED", "DEAD", "INACTIVE", "OPEN", "INVOICE"],
    ...["FORWARD", "UNDO", "GET", "POST", "CPU", "SKU", "NATS", "SUBSCRIBER"],
  ]);
  const settings = ["config.ts", "config-tracing.ts"]
    .map(file => readFileSync(join(root, "core", file), "utf8"))
    .join();
  const isKnown = (word: string): boolean => word in catalogue || others.has(word) || settings.includes(`"${word}"`);
  /** Of a call between services that failed without a code of ours; a request has INTERNAL_ERROR then. */
  const ofCalls = (word: string, { targets = [] }: Panel): boolean =>
    word === "UNEXPECTED" && targets.some(({ expr }) => expr.includes("comptoir_action_errors_total"));

  it("are error codes, or settings", () => {
    const unknown = allPanels().flatMap(({ panel, where }) =>
      [...(panel.description ?? "").matchAll(/\b[A-Z][A-Z_]{2,}\b/g)]
        .filter(([word]) => !isKnown(word) && !ofCalls(word, panel))
        .map(([word]) => `${where}: ${word}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("Nodes out of service", () => {
  it("asks for every service that an alert misses: Prometheus forgets a target that was killed", () => {
    const missed = rules().flatMap(({ alert, expr }) => (alert === "ServiceDown" ? [expr] : []));
    expect(missed.length).toBeGreaterThan(10);
    const panel = allPanels().find(({ panel: { title } }) => title === "Nodes out of service")?.panel;
    const asked = (panel?.targets ?? []).map(({ expr }) => expr).join();
    expect(missed.filter(expr => !asked.includes(expr))).toEqual([]);
  });
});

describe("Error budget burn", () => {
  it("asks for the rates that the alerts ask for", () => {
    const recorded = rules()
      .map(({ expr }) => expr)
      .join();
    const panels = allPanels().filter(({ panel: { title } }) => title.startsWith("Error budget burn"));
    const rates = panels
      .flatMap(({ panel: { targets = [] } }) => targets)
      .flatMap(({ expr }) => expr.match(/rate\([^()]*(?:\([^()]*\)[^()]*)*\)/g) ?? []);
    expect(rates.length).toBeGreaterThan(8);
    expect(rates.filter(rate => !recorded.includes(rate))).toEqual([]);
  });
});

describe("Links", () => {
  it("lead to dashboards that there are", () => {
    const targets = boards.flatMap(linksOf).flatMap(({ url = "" }) => /^\/d\/([\w-]+)/.exec(url)?.[1] ?? []);
    expect(new Set(targets)).toEqual(new Set([uids.service, uids.sagas, uids.infrastructure, uids.business]));
  });

  it("lead to queries that Explore can read", () => {
    const addresses = boards.flatMap(linksOf).flatMap(({ url = "" }) => (url.startsWith("/explore") ? [url] : []));
    expect(addresses.length).toBeGreaterThan(10);
    for (const address of addresses) {
      const panes = new URL(address, "http://grafana").searchParams.get("panes") ?? "";
      const { a: pane } = JSON.parse(panes) as { a: { datasource: string; queries: object[] } };
      expect(["${logs}", "${traces}"]).toContain(pane.datasource);
      expect(pane.queries).toHaveLength(1);
    }
  });

  it("go from the Overview's table to the service of the row", () => {
    const overview = boards.find(({ uid }) => uid === uids.overview);
    const links = overview === undefined ? [] : linksOf(overview);
    expect(links.map(({ url }) => url)).toContain(
      "/d/comptoir-service?${__url_time_range}&${datasource:queryparam}&var-service=${__data.fields.service}",
    );
  });
});

describe("A dashboard with a fault", () => {
  const query = (expr: string, legendFormat = "a") => ({ expr, legendFormat, refId: "A" });
  const panel: Panel = {
    ...{ id: 1, type: "timeseries", title: "Orders", gridPos: { x: 0, y: 0, w: 12, h: 8 } },
    description: "Orders.\n\n**Good:** Some.\n\n**Otherwise:** Look.",
    datasource: { uid: "${datasource}" },
    fieldConfig: { defaults: { unit: "ops" }, overrides: [] },
    options: { legend: { showLegend: true } },
    targets: [
      { ...query("sum(rate(comptoir_orders_placed_total[$__rate_interval]))"), datasource: { uid: "${datasource}" } },
    ],
  };

  const ofLatency = {
    ...query("histogram_quantile(0.9, sum by (le) (rate(comptoir_saga_seconds_bucket[$__rate_interval])))"),
    ...{ exemplar: true, datasource: { uid: "${datasource}" } },
  };

  it("is told from one without", () => {
    expect(panelProblems(panel)).toEqual([]);
  });

  it.each([
    ["no title", { title: "" }, "has no title"],
    ["no advice", { description: "Orders" }, "does not say what is good and what to do otherwise"],
    ["no unit", { fieldConfig: { defaults: {}, overrides: [] } }, "has no unit"],
    ["no legend", { options: {} }, "shows no legend"],
    ["no query", { targets: [] }, "asks nothing"],
    [
      "dots that no query brings",
      { description: "Orders. Dots are traces.\n\n**Good:** Some.\n\n**Otherwise:** Look." },
      "says that dots are traces, and asks for none",
    ],
    ["dots that nobody explains", { targets: [ofLatency] }, "shows traces as dots, and does not say so"],
    [
      "a data source of its own",
      { datasource: { uid: "prometheus" } },
      "has the data source prometheus instead of ${datasource}",
    ],
  ])("is found by %s", (_what, fault, problem) => {
    expect(panelProblems({ ...panel, ...fault })).toEqual([problem]);
  });

  it.each([
    [
      "a metric that nobody exposes",
      query("sum(comptoir_order_total)"),
      "names comptoir_order_total, which nobody exposes",
    ],
    [
      "a label that the metric lacks",
      query('sum(rate(comptoir_orders_total{state="CONFIRMED"}[$__rate_interval]))'),
      "asks for the label state, which comptoir_orders_total does not have",
    ],
    [
      "a grouping that the metric lacks",
      query("sum by (sku) (rate(comptoir_orders_total[$__rate_interval]))"),
      "groups by sku, which comptoir_orders_total does not have",
    ],
    [
      "a label that the target's replaces",
      query("max by (action) (comptoir_circuit_breaker_state)", "{{node}}"),
      "has the legend {{node}}, which its series do not carry",
    ],
    [
      "a counter without a rate",
      query("sum(comptoir_orders_total)"),
      "reads the counter comptoir_orders_total without a rate",
    ],
    [
      "the rate of a gauge",
      query("rate(comptoir_ready[$__rate_interval])"),
      "takes the rate of the gauge comptoir_ready",
    ],
    [
      "a histogram without its suffix",
      query("sum(rate(comptoir_saga_seconds[$__rate_interval]))"),
      "names comptoir_saga_seconds, which nobody exposes",
    ],
    [
      "a window of its own",
      query("sum(rate(comptoir_orders_total[30s]))"),
      "looks back 30s instead of $__rate_interval",
    ],
    ["no legend", query("sum(comptoir_ready)", ""), "has no legend"],
    [
      "exemplars where there are none",
      { ...query("sum(comptoir_ready)"), exemplar: true },
      "asks for exemplars, which comptoir_ready does not keep",
    ],
    [
      "exemplars of a histogram without",
      {
        ...query("histogram_quantile(0.9, sum by (le) (rate(comptoir_store_seconds_bucket[$__rate_interval])))"),
        exemplar: true,
      },
      "asks for exemplars, which comptoir_store_seconds_bucket does not keep",
    ],
  ])("is found by %s in a query", (_what, target, problem) => {
    expect(queryProblems(target)).toEqual([`query A ${problem}`]);
  });

  it("is found by a query that does not parse", () => {
    expect(queryProblems(query("sum by (status (rate(comptoir_orders_total[$__rate_interval]))"))[0]).toMatch(
      /is no PromQL/,
    );
  });
});
