// A scrape as its series: what Prometheus would read.
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
