// The rules of Prometheus as data. That they fire when they should is shown by promtool: test/monitoring/prometheus.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { checkNames } from "../../../core/contracts/audit.ts";
import { knownServices } from "../../../core/node.ts";
import { cases, problemsOf, root, rules, runbook, strangersIn, type Rule } from "../../support/rules.ts";

const all = rules();
const tested = cases();
const text = runbook();
const alerts = all.filter(({ alert }) => alert !== undefined);
const named = (name: string): Rule => {
  const found = alerts.find(({ alert }) => alert === name);
  if (found === undefined) throw new Error(`There is no alert ${name}`);
  return found;
};

interface Discovery {
  readonly refresh_interval: string;
}
interface Scrape {
  readonly job_name: string;
  readonly http_sd_configs?: readonly Discovery[];
  readonly dns_sd_configs?: readonly (Discovery & { readonly names: readonly string[] })[];
}
interface Config {
  readonly scrape_configs: readonly Scrape[];
}
const config = (file: string): Config =>
  parse(readFileSync(join(root, "monitoring", "prometheus", file), "utf8")) as Config;

describe("Every rule", () => {
  it("asks only for what is exposed, and every alert has its cases, its words and its section in the runbook", () => {
    expect(alerts.length).toBeGreaterThan(30);
    const found = all.flatMap(rule =>
      problemsOf(rule, all, tested, text).map(problem => `${rule.alert ?? rule.record ?? "?"} ${problem}`),
    );
    expect(found).toEqual([]);
  });

  it("has a section that belongs to an alert, and a case that belongs to a rule", () => {
    const sections = [...text.matchAll(/^### (\w+)$/gm)].map(([, name]) => name ?? "");
    expect(sections.filter(name => !alerts.some(({ alert }) => alert === name))).toEqual([]);
    const asked = tested.flatMap(test => test.alert_rule_test ?? []).map(({ alertname }) => alertname);
    expect(asked.filter(name => !alerts.some(({ alert }) => alert === name))).toEqual([]);
    const recorded = all.flatMap(({ record }) => record ?? []);
    const expressions = tested.flatMap(test => test.promql_expr_test ?? []).map(({ expr }) => expr);
    const red = recorded.filter(name => !name.startsWith("comptoir:"));
    expect(red.filter(name => !expressions.some(expr => expr.includes(name)))).toEqual([]);
  });
});

describe("The check of the rules sees", () => {
  const known = named("SagaStuck");
  it.each<[string, Partial<Rule>, string]>([
    [
      "a metric that is not in the catalogue",
      { expr: "max(comptoir_saga_oldest_second) > 1" },
      "comptoir_saga_oldest_second",
    ],
    ["a histogram asked as a gauge", { expr: "app_request_latency_seconds > 1" }, "app_request_latency_seconds"],
    ["a label that the metric has not", { expr: 'comptoir_outbox_parked{subscriber="x"} > 1' }, "{subscriber}"],
    ["a grouping by no label of it", { expr: "sum by (subscriber) (comptoir_outbox_parked) > 1" }, "by (subscriber)"],
    ["no severity", { labels: {} }, "no severity"],
    ["no description", { annotations: { ...known.annotations, description: "" } }, "no description"],
    [
      "another alert's section",
      { annotations: { ...known.annotations, runbook_url: named("Oversold").annotations?.["runbook_url"] ?? "" } },
      "no section",
    ],
    ["an alert without a section and cases", { alert: "Unheard" }, "no case that fires"],
  ])("%s", (_, changes, problem) => {
    expect(problemsOf({ ...known, ...changes }, all, tested, text).join("; ")).toContain(problem);
  });

  it("a case that is only there for the other way round", () => {
    const without = (word: string) => tested.filter(({ name }) => !name.startsWith(`SagaStuck ${word}`));
    expect(problemsOf(known, all, without("fires"), text)).toEqual(["has no case that fires"]);
    expect(problemsOf(known, all, without("stays silent"), text)).toEqual(["has no case that stays silent"]);
  });

  it("an expression that Prometheus could not read", () => {
    expect(() => strangersIn("sum by (x (up)", all)).toThrow(/cannot be read/);
  });
});

describe("Checks of the audit", () => {
  it("are each missed when their first run never ends", () => {
    const missed = alerts
      .filter(({ alert }) => alert === "AuditNotRunning")
      .flatMap(({ expr }) => [...expr.matchAll(/absent\(\w+\{check="(\w+)"\}\)/g)].map(([, check]) => check));
    expect(missed.sort()).toEqual([...checkNames].sort());
  });
});

describe("Services", () => {
  /** Without it no dashboard draws the cluster; no buyer notices, and nothing is lost. */
  const quiet = ["metrics"];

  it("are each missed when no node of them is ready", () => {
    const missed = alerts.flatMap(({ alert, expr }) =>
      alert === "ServiceDown" ? (/\.\*,(\w+),/.exec(expr)?.[1] ?? "") : [],
    );
    expect(missed).toEqual([...new Set(missed)].sort());
    expect(knownServices().filter(name => !quiet.includes(name) && !missed.includes(name))).toEqual([]);
    expect(missed.filter(name => !knownServices().includes(name))).toEqual([]);
  });

  it.each(["prometheus.yml", "prometheus.dns.yml"])("are looked for again within 15 s by %s", file => {
    const found = config(file).scrape_configs.flatMap(({ http_sd_configs: http = [], dns_sd_configs: dns = [] }) => [
      ...http,
      ...dns,
    ]);
    expect(found).toHaveLength(1);
    // In seconds: Prometheus itself would take 30 for DNS and 60 for HTTP.
    expect(Number(/^(\d+)s$/.exec(found[0]?.refresh_interval ?? "")?.[1])).toBeLessThanOrEqual(15);
  });

  it("are found by the registry or by DNS, never by both, and all else is the same", () => {
    const [bySd, byDns] = [config("prometheus.yml"), config("prometheus.dns.yml")];
    const others = ({ scrape_configs: jobs, ...rest }: Config) => ({
      ...rest,
      jobs: jobs.filter(({ job_name: name }) => name !== "comptoir"),
    });
    expect(others(byDns)).toEqual(others(bySd));
    const own = ({ scrape_configs: jobs }: Config) => jobs.filter(({ job_name: name }) => name === "comptoir");
    const [[first, ...more], [second, ...evenMore]] = [own(bySd), own(byDns)];
    expect([more, evenMore]).toEqual([[], []]);
    expect(first).toMatchObject({ http_sd_configs: [{ url: "http://registry:3100/targets" }] });
    expect([first?.dns_sd_configs, second?.http_sd_configs]).toEqual([undefined, undefined]);
    const names = second?.dns_sd_configs?.flatMap(sd => sd.names) ?? [];
    expect([...names].sort()).toEqual(knownServices().sort());
  });
});
