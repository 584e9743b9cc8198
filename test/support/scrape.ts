// A scrape as its series: what Prometheus would read.
import { catalogue, type MetricSpec } from "../../core/metrics/catalogue.ts";
import { defaultMetrics } from "../../core/metrics/default-metrics.ts";
import { expose } from "../../core/metrics/registry.ts";

export interface ScrapedSeries {
  /** With its suffix: app_request_latency_seconds_bucket. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @throws Error naming a line that is no sample: the text format is part of what is tested. */
export function seriesIn(text: string): ScrapedSeries[] {
  const lines = text.split("\n").filter(line => line !== "" && !line.startsWith("#"));
  return lines.map(line => {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`No sample: ${line}`);
    return {
      name,
      labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label = "", said = ""]) => [label, said])),
      value: Number(value),
    };
  });
}

export const scrapeHere = async (): Promise<ScrapedSeries[]> => seriesIn((await expose()).body);

/** The value of the one series with these labels; undefined when there is none. */
export function valueOf(
  series: readonly ScrapedSeries[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return series.find(each => each.name === name && JSON.stringify(Object.entries(each.labels).sort()) === wanted)
    ?.value;
}

/** The sum over all series of a metric whose labels include these. */
export const sumOf = (
  series: readonly ScrapedSeries[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number =>
  series
    .filter(each => each.name === name && Object.entries(labels).every(([label, said]) => each.labels[label] === said))
    .reduce((sum, { value }) => sum + value, 0);

const specs: Readonly<Record<string, MetricSpec>> = catalogue;
const defaults: ReadonlySet<string> = new Set(Object.keys(defaultMetrics));
/** The one histogram among the defaults. */
const suffixes = /_(bucket|sum|count)$/;

function specOf(name: string): [name: string, spec: MetricSpec | null] | null {
  const base = name.replace(suffixes, "");
  const spec = specs[name] ?? specs[base];
  if (spec !== undefined) return (spec.type === "histogram") === (base !== name) ? [base, spec] : null;
  return defaults.has(name) || defaults.has(base) ? [name, null] : null;
}

/** One sentence for each way in which a scrape is not what the catalogue says; none when it is. */
export function violationsIn(series: readonly ScrapedSeries[]): string[] {
  const found = new Set<string>();
  const values = new Map<string, Set<string>>();
  for (const { name, labels } of series) {
    const known = specOf(name);
    if (known === null) found.add(`${name} is not in the catalogue`);
    if (known?.[1] == null) continue;
    const [metric, spec] = known;
    const given = Object.keys(labels).filter(label => label !== "le");
    const wanted = Object.keys(spec.labels);
    if (given.toSorted().join() !== wanted.toSorted().join())
      found.add(`${metric} has the labels ${given.join()} and not ${wanted.join()}`);
    for (const label of wanted) {
      const key = `${metric}{${label}}`;
      const own = (values.get(key) ?? new Set()).add(labels[label] ?? "");
      values.set(key, own);
      const { atMost } = spec.labels[label] ?? { atMost: 0 };
      if (own.size > atMost) found.add(`${key} has more than ${String(atMost)} values`);
    }
  }
  return [...found];
}
