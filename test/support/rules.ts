// The alerting and recording rules, their promtool cases and their runbook, as data; and what is wrong between them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { collectDefaultMetrics, Registry } from "prom-client";
import { parse } from "yaml";
import { catalogue, type MetricSpec } from "../../core/metrics/catalogue.ts";
import { askedBy } from "./promql.ts";

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}
export type Labels = Readonly<Record<string, string>>;
interface Case {
  readonly name: string;
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly exp_alerts?: readonly { readonly exp_labels: Labels }[];
  }[];
  readonly promql_expr_test?: readonly { readonly expr: string }[];
}

export const root = join(import.meta.dirname, "..", "..");
const folder = join(root, "monitoring", "prometheus");

const read = <T>(under: string): T[] =>
  readdirSync(join(folder, under))
    .sort()
    .map(name => parse(readFileSync(join(folder, under, name), "utf8")) as T);

export const rules = (): Rule[] =>
  read<RuleFile>("rules").flatMap(({ groups }) => groups.flatMap(group => group.rules));
export const cases = (): Case[] => read<{ tests: Case[] }>("tests").flatMap(({ tests }) => tests);

/** What the node exporter, Prometheus and the Alertmanager expose, as far as the rules ask for it, with its labels. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  up: [],
  node_filesystem_avail_bytes: ["device", "fstype", "mountpoint"],
  node_filesystem_size_bytes: ["device", "fstype", "mountpoint"],
  node_memory_MemAvailable_bytes: [],
  node_memory_MemTotal_bytes: [],
  prometheus_sd_http_failures_total: [],
  prometheus_sd_dns_lookup_failures_total: [],
  prometheus_rule_evaluation_failures_total: ["rule_group"],
  alertmanager_notifications_failed_total: ["integration"],
};
/** Of every target; and what a metric's own `node` is then called. */
const ofTargets = ["job", "instance", "node", "node_services", "exported_node"];

/** Every series that a rule may ask for, and its labels; null: a recorded one, whose labels its rule gives. */
function known(all: readonly Rule[]): Map<string, readonly string[] | null> {
  const names = new Map<string, readonly string[] | null>(Object.entries(foreign));
  for (const [name, { type, labels }] of Object.entries(catalogue as Readonly<Record<string, MetricSpec>>)) {
    if (type !== "histogram") names.set(name, Object.keys(labels));
    else for (const part of ["_count", "_sum", "_bucket"]) names.set(name + part, [...Object.keys(labels), "le"]);
  }
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) names.set(name, null);
  registry.clear();
  for (const { record } of all) if (record !== undefined) names.set(record, null);
  return names;
}

/** Series and labels that an expression asks for and nobody exposes. */
export function strangersIn(expr: string, all: readonly Rule[]): string[] {
  const names = known(all);
  const { selectors, groupings } = askedBy(expr);
  const found: string[] = [];
  const has = (label: string, own: readonly string[] | null) =>
    own === null || own.includes(label) || ofTargets.includes(label);
  for (const { metric, labels } of selectors) {
    const own = names.get(metric);
    if (own === undefined) found.push(metric);
    else found.push(...labels.filter(label => !has(label, own)).map(label => `${metric}{${label}}`));
  }
  const own = selectors.map(({ metric }) => names.get(metric) ?? null);
  found.push(...groupings.filter(label => !own.some(labels => has(label, labels))).map(label => `by (${label})`));
  return found;
}

/** Behind the address at which the runbooks are read, where prometheus.yml has one. */
const ANCHOR = /^\{\{ \$externalLabels\.runbooks \}\}docs\/operations\/alerts\.md#([a-z]+)$/;

/** What is missing or wrong with a rule, its cases and its section in the runbook. */
export function problemsOf(rule: Rule, all: readonly Rule[], tested: readonly Case[], runbook: string): string[] {
  const problems = strangersIn(rule.expr, all).map(name => `asks for ${name}, which nobody exposes`);
  const { alert, labels = {}, annotations = {} } = rule;
  if (alert === undefined) return problems;
  if (!["page", "ticket"].includes(labels["severity"] ?? "")) problems.push("has no severity page or ticket");
  for (const name of ["summary", "description", "runbook_url"])
    if ((annotations[name] ?? "") === "") problems.push(`has no ${name}`);
  const anchor = ANCHOR.exec(annotations["runbook_url"] ?? "")?.[1];
  if (anchor !== alert.toLowerCase() || !runbook.includes(`\n### ${alert}\n`))
    problems.push("has no section in the runbook");
  const own = tested.flatMap(({ name, alert_rule_test = [] }) =>
    alert_rule_test
      .filter(({ alertname }) => alertname === alert)
      .map(test => ({ name, fires: test.exp_alerts?.length })),
  );
  if (!own.some(({ name, fires }) => fires && name.startsWith(`${alert} fires: `)))
    problems.push("has no case that fires");
  if (!own.some(({ name, fires }) => !fires && name.startsWith(`${alert} stays silent: `)))
    problems.push("has no case that stays silent");
  return problems;
}

export const runbook = (): string => readFileSync(join(root, "docs", "operations", "alerts.md"), "utf8");
