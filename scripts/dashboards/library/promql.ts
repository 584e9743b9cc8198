// PromQL of the shop's own metrics. A name or a label that the catalogue does not have is a type error.
import type { catalogue, MetricName } from "../../../core/metrics/catalogue.ts";

/** What Prometheus' service discovery puts on every target (monitoring/prometheus). */
export type TargetLabel = "job" | "instance" | "node" | "node_services";

type Catalogue = typeof catalogue;
type OfType<T extends "counter" | "gauge" | "histogram"> = {
  [N in MetricName]: Catalogue[N]["type"] extends T ? N : never;
}[MetricName];
export type Counter = OfType<"counter">;
type Histogram = OfType<"histogram">;

type OwnLabel<N extends MetricName> = keyof Catalogue[N]["labels"] & string;
/** A label that a target has too keeps its target's value; the metric's own moves to `exported_…`. */
type Label<N extends MetricName> = OwnLabel<N> | `exported_${OwnLabel<N> & TargetLabel}` | TargetLabel;
export type Matchers<N extends MetricName> = Partial<Record<Label<N>, string | Pattern>>;

export interface Pattern {
  readonly operator: "=~" | "!~" | "!=";
  readonly value: string;
}

export const matching = (value: string): Pattern => ({ operator: "=~", value });
export const notMatching = (value: string): Pattern => ({ operator: "!~", value });
export const isNot = (value: string): Pattern => ({ operator: "!=", value });

/** `name{label="value"}`. In a pattern a backslash is written once; PromQL's strings want it twice. */
export function metric<N extends MetricName>(name: N, matchers: Matchers<N> = {}): string {
  return selector(name, matchers);
}

/** Of a metric that others expose: nothing checks its name here, test/unit/dashboards does. */
export function selector(name: string, matchers: Readonly<Record<string, string | Pattern | undefined>> = {}): string {
  const parts = Object.entries(matchers).map(([label, wanted]) => {
    const { operator, value } = typeof wanted === "object" ? wanted : { operator: "=", value: wanted ?? "" };
    return `${label}${operator}"${value.replaceAll("\\", "\\\\")}"`;
  });
  return parts.length === 0 ? name : `${name}{${parts.join(", ")}}`;
}

type Aggregation = "sum" | "max" | "min" | "count";

/** `sum by (label) (expr)`; without labels a single series. */
export const over = (aggregation: Aggregation, expr: string, by: readonly string[] = []): string =>
  by.length === 0 ? `${aggregation}(${expr})` : `${aggregation} by (${by.join(", ")}) (${expr})`;

/** Per second, over a window that is never narrower than four scrapes. */
export const rate = (series: string): string => `rate(${series}[$__rate_interval])`;

export const perSecond = <N extends Counter>(
  name: N,
  by: readonly Label<N>[] = [],
  matchers: Matchers<N> = {},
): string => over("sum", rate(metric(name, matchers)), by);

/** How many within the time that the dashboard shows. */
export const inRange = <N extends Counter>(name: N, by: readonly Label<N>[] = [], matchers: Matchers<N> = {}): string =>
  over("sum", `increase(${metric(name, matchers)}[$__range])`, by);

/** Of all processes that expose the histogram, never an average of their quantiles. */
export function quantile<N extends Histogram>(
  share: number,
  name: N,
  by: readonly Label<N>[] = [],
  matchers: Matchers<N> = {},
): string {
  const buckets = selector(`${name}_bucket`, matchers);
  return `histogram_quantile(${String(share)}, ${over("sum", rate(buckets), ["le", ...by])})`;
}

/**
 * A gauge that every process says of the whole shop, or that one process says: the highest, never a sum.
 * Of the catalogue's gauges these are the ones "of all processes".
 */
export const ofAll = <N extends OfType<"gauge">>(
  name: N,
  by: readonly Label<N>[] = [],
  matchers: Matchers<N> = {},
): string => over("max", metric(name, matchers), by);

/** 0 when there is nothing: for what is good news when it is absent. */
export const orZero = (expr: string): string => `${expr} or vector(0)`;

/** One series at 0 that says `none`, only while there is no other. */
export const orNone = (expr: string, label: string): string =>
  `${expr} or on() label_replace(vector(0), "${label}", "none", "", "")`;

/** A share that is 0 while nothing of the part has happened, and no value while nothing has happened at all. */
export const share = (part: string, whole: string): string => `(${orZero(part)}) / ${whole}`;
