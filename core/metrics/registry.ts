// The only place that makes metrics: typed by the catalogue, bounded by it, and shown in both formats that Prometheus reads.
import { collectDefaultMetrics, Registry, type Metric, type OpenMetricsContentType } from "prom-client";
import { catalogue, type MetricName, type MetricSpec, type MetricType } from "./catalogue.ts";
import { Family } from "./family.ts";
import { Counter, Gauge, Histogram, type Exemplar, type Series } from "./series.ts";

type Catalogue = typeof catalogue;
type NameOf<T extends MetricType> = { [N in MetricName]: Catalogue[N]["type"] extends T ? N : never }[MetricName];
type LabelOf<N extends MetricName> = Extract<keyof Catalogue[N]["labels"], string>;
export type LabelsOf<N extends MetricName> = Readonly<Record<LabelOf<N>, string>>;
/** All of a metric's labels, or nothing for one that has none. */
type Given<N extends MetricName> = [LabelOf<N>] extends [never] ? [] : [labels: LabelsOf<N>];

export interface Metrics<N extends MetricName, S> {
  /** The series of these labels: take it once where it is used often. */
  labels(...labels: Given<N>): S;
  remove(...labels: Given<N>): void;
  /** Takes all series away. */
  reset(): void;
  /** `fill` sets what is only known when somebody asks; it must answer at once. */
  onScrape(fill: () => void): void;
}

const families = new Map<string, Family<Series>>();
const classic = new Registry();
const open = new Registry<OpenMetricsContentType>();
open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

const overflowListeners = new Set<(metric: string, label: string, atMost: number) => void>();

/** Hears once per label that it has more values than the catalogue allows. */
export function onOverflow(listener: (metric: string, label: string, atMost: number) => void): () => void {
  overflowListeners.add(listener);
  return () => overflowListeners.delete(listener);
}

function overflowed(metric: string, label: string, atMost: number): void {
  if (metric !== "comptoir_metrics_overflows_total")
    counter("comptoir_metrics_overflows_total").labels({ metric }).inc();
  for (const tell of overflowListeners) tell(metric, label, atMost);
}

const exemplarOf = ({ traceId, value, at }: Exemplar) => ({ labelSet: { trace_id: traceId }, value, timestamp: at });

function valuesOf(family: Family<Series>, name: string) {
  return family.describe().flatMap(({ labels, samples }) =>
    samples.map(({ suffix, le, value, exemplar }) => ({
      labels: le === null ? labels : { ...labels, le },
      value,
      metricName: `${name}${suffix}`,
      ...(exemplar === null ? {} : { exemplar: exemplarOf(exemplar) }),
    })),
  );
}

/** A metric as prom-client's registries read one. Their types know only their own classes. */
const asMetric = (view: object): Metric => view as unknown as Metric;

/** OpenMetrics names a counter without `_total` and its sample with it; prom-client would rename the metric itself, for ever. */
const openNameOf = (name: string, type: string): string => (type === "counter" ? name.replace(/_total$/, "") : name);

function show(family: Family<Series>): void {
  const { name, spec } = family;
  const { type, help } = spec;
  const view = (shown: string) => ({
    name: shown,
    type,
    get: () => Promise.resolve({ name: shown, type, help, values: valuesOf(family, shown) }),
  });
  classic.registerMetric(asMetric(view(name)));
  open.registerMetric(asMetric(view(openNameOf(name, type))));
}

/** Made at its first use, so that a process shows only what it has. */
function familyOf<S extends Series>(name: string, spec: MetricSpec, make: () => S): Family<S> {
  const known = families.get(name);
  if (known !== undefined) return known as unknown as Family<S>;
  const family = new Family({ name, spec, make, onOverflow: overflowed });
  families.set(name, family);
  show(family);
  return family;
}

/** A metric of this kind that is named in the catalogue, the same one at every call. */
export const counter = <N extends NameOf<"counter">>(name: N): Metrics<N, Counter> =>
  familyOf(name, catalogue[name], () => new Counter());

export const gauge = <N extends NameOf<"gauge">>(name: N): Metrics<N, Gauge> =>
  familyOf(name, catalogue[name], () => new Gauge());

export const histogram = <N extends NameOf<"histogram">>(name: N): Metrics<N, Histogram> => {
  const spec: MetricSpec = catalogue[name];
  return familyOf(name, spec, () => new Histogram(spec.buckets ?? []));
};

/** Each look wakes the process: a hundred a second, the library's own choice, were half of what an idle node takes. */
const LAG_EVERY_MS = 100;

const isLag = /^nodejs_eventloop_lag_(min|max|mean|stddev|p\d+)_seconds$/;
/** What Node tells of no looks at all, between two scrapes that come together, is far above or no number. */
const MOST_LAG_S = 1_000_000;

/**
 * Node measures from one look to the next, so that the time between them counts as lag; and each scrape begins anew, so
 * that one which comes at once sees nothing: it is told what the one before it was.
 */
function corrected(metric: Metric, intervalS: number): void {
  const get = metric.get.bind(metric);
  let last = 0;
  metric.get = async () => {
    const shown = await get();
    const seen = shown.values[0]?.value ?? NaN;
    if (seen >= 0 && seen < MOST_LAG_S) last = Math.max(0, seen - intervalS);
    return { ...shown, values: shown.values.map(each => ({ ...each, value: last })) };
  };
}

let defaults = false;

/** Node's and the process's own: CPU, memory, event loop, garbage collection, handles. Repeating does no harm. */
export function collectDefaults(): void {
  if (defaults) return;
  defaults = true;
  const before = new Set(classic.getMetricsAsArray().map(({ name }) => name));
  collectDefaultMetrics({ register: classic, eventLoopMonitoringPrecision: LAG_EVERY_MS });
  for (const metric of classic.getMetricsAsArray() as unknown as Metric[]) {
    const { name, type } = metric as unknown as { name: string; type: string };
    if (before.has(name)) continue;
    if (isLag.test(name)) corrected(metric, name.includes("stddev") ? 0 : LAG_EVERY_MS / 1_000);
    const shown = openNameOf(name, type);
    open.registerMetric(asMetric({ name: shown, type, get: async () => ({ ...(await metric.get()), name: shown }) }));
  }
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** @param accept the Accept header: OpenMetrics, which carries exemplars, is for who asks for it. */
export async function expose(accept = ""): Promise<Exposition> {
  const registry = /application\/openmetrics-text/i.test(accept) ? open : classic;
  return { contentType: registry.contentType, body: await registry.metrics() };
}
