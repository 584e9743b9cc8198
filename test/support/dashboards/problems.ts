// What is wrong with a panel or a query of a dashboard, in sentences.
import { exemplified } from "../../../core/metrics/exemplars.ts";
import { knownMetric, targetLabels } from "./known-metrics.ts";
import type { Panel, Target } from "./panels.ts";
import { parsePromql, type Grouping, type Parsed } from "./promql.ts";

const ADVICE = /\*\*Good:\*\* \S[\s\S]+\*\*Otherwise:\*\* \S/;
/** Of a panel with exemplars. */
const DOTS = "Dots are traces";
const COUNTING = ["rate", "irate", "increase", "resets", "changes"];
/** Of burn rates: their windows are those of the alerts. */
const FIXED_WINDOWS = ["5m", "1h", "6h", "3d"];
const WINDOWS = ["$__rate_interval", "$__range", ...FIXED_WINDOWS];

/** For the parser, which does not know Grafana's variables. */
export const parsable = (expr: string): string => expr.replaceAll(/\$__\w+/g, "1m").replaceAll(/\$\{?\w+\}?/g, "value");

export function panelProblems(panel: Panel): string[] {
  const { title, description = "", datasource, targets = [], fieldConfig, options } = panel;
  const problems: string[] = [];
  if (title.trim() === "") problems.push("has no title");
  if (!ADVICE.test(description)) problems.push("does not say what is good and what to do otherwise");
  if (fieldConfig?.defaults.unit === undefined || fieldConfig.defaults.unit === "") problems.push("has no unit");
  if (panel.type === "timeseries" && options?.legend?.showLegend !== true) problems.push("shows no legend");
  if (targets.length === 0) problems.push("asks nothing");
  const shown = targets.some(({ exemplar }) => exemplar === true);
  const said = description.includes(DOTS);
  if (said && !shown) problems.push("says that dots are traces, and asks for none");
  if (shown && !said) problems.push("shows traces as dots, and does not say so");
  for (const uid of [datasource?.uid, ...targets.map(target => target.datasource?.uid)])
    if (uid !== "${datasource}") problems.push(`has the data source ${String(uid)} instead of \${datasource}`);
  return [...problems, ...targets.flatMap(queryProblems)];
}

export function queryProblems({ expr, legendFormat = "", exemplar, refId }: Target): string[] {
  const parsed = parsePromql(parsable(expr));
  const problems = [
    ...parsed.errors.map(error => `is no PromQL ${error}`),
    ...parsed.selectors.flatMap(selectorProblems),
    ...parsed.groupings.flatMap(groupingProblems),
    ...windowProblems(expr),
    ...legendProblems(legendFormat, parsed),
  ];
  if (exemplar === true) problems.push(...exemplarProblems(parsed));
  return problems.map(problem => `query ${refId} ${problem}`);
}

function selectorProblems({ metric, labels, ranged }: Parsed["selectors"][number]): string[] {
  const known = knownMetric(metric);
  if (known === undefined) return [`names ${metric}, which nobody exposes`];
  const problems = labels
    .filter(label => !known.labels.has(label))
    .map(label => `asks for the label ${label}, which ${metric} does not have`);
  if (known.type === "counter" && ranged === null) problems.push(`reads the counter ${metric} without a rate`);
  if (known.type === "gauge" && ranged !== null && COUNTING.includes(ranged))
    problems.push(`takes the ${ranged} of the gauge ${metric}`);
  return problems;
}

const withExemplars: ReadonlySet<string> = new Set(exemplified.map(name => `${name}_bucket`));

const exemplarProblems = ({ selectors }: Parsed): string[] =>
  selectors
    .filter(({ metric }) => !withExemplars.has(metric))
    .map(({ metric }) => `asks for exemplars, which ${metric} does not keep`);

const groupingProblems = ({ labels, metrics }: Grouping): string[] =>
  labels.flatMap(label =>
    metrics
      .filter(metric => knownMetric(metric)?.labels.has(label) === false)
      .map(metric => `groups by ${label}, which ${metric} does not have`),
  );

const windowProblems = (expr: string): string[] =>
  [...expr.matchAll(/\[([^\]]*)\]/g)]
    .map(([, window = ""]) => window)
    .filter(window => !WINDOWS.includes(window))
    .map(window => `looks back ${window} instead of $__rate_interval`);

function legendProblems(legend: string, { selectors, groupings, made }: Parsed): string[] {
  if (legend === "" || legend === "__auto") return ["has no legend"];
  const kept = new Set([...groupings.flatMap(({ labels }) => labels), ...made]);
  const own = selectors.flatMap(({ metric }) => [...(knownMetric(metric)?.labels ?? targetLabels)]);
  const there = groupings.length > 0 ? kept : new Set(own);
  return [...legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g)]
    .map(([, label = ""]) => label)
    .filter(label => !there.has(label))
    .map(label => `has the legend {{${label}}}, which its series do not carry`);
}
