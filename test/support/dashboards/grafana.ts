// What Grafana does with a dashboard: fills in its variables and asks Prometheus.
import type { Board, Target, Variable } from "./panels.ts";

/** Grafana's default of a panel. */
const MAX_POINTS = 1_000;

export interface Source {
  /** Of Prometheus. */
  readonly url: string;
  /** The data source's "scrape interval", in seconds. */
  readonly scrapeSeconds: number;
  /** What the dashboard shows, up to now. */
  readonly rangeSeconds: number;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

type Parameters = Readonly<Record<string, string>>;

/** @throws with what Prometheus says of it when it refuses */
async function ask<T>(url: string, path: string, parameters: Parameters): Promise<T> {
  const answer = await fetch(`${url}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
  const { data, error } = (await answer.json()) as { data: T; error?: string };
  if (!answer.ok) throw new Error(`${JSON.stringify(parameters)}: ${String(error)}`);
  return data;
}

/** Of `label_values(series, label)`, less what the variable's regex does not match. */
export async function valuesOf({ query, regex = "" }: Variable, { url }: Source): Promise<string[]> {
  const text = typeof query === "string" ? query : (query?.query ?? "");
  const [, series = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
  const values = await ask<string[]>(url, `label/${label}/values`, { "match[]": series });
  if (regex === "") return values;
  const pattern = new RegExp(regex.slice(1, -1));
  return [...new Set(values.flatMap(value => pattern.exec(value)?.[1] ?? []))];
}

const escaped = (value: string): string => value.replaceAll(/[\\^$*+?.()|[\]{}]/g, String.raw`\\$&`);

/** What stands for each variable: several values are a pattern. */
export async function filledIn(board: Board, source: Source): Promise<Map<string, string>> {
  const step = stepOf(source);
  const filled = new Map([
    ["__rate_interval", `${String(Math.max(step + source.scrapeSeconds, 4 * source.scrapeSeconds))}s`],
    ["__range", `${String(source.rangeSeconds)}s`],
  ]);
  for (const variable of board.templating.list) {
    if (variable.type !== "query") continue;
    const { name, includeAll, allValue, current } = variable;
    const all = (await valuesOf(variable, source)).map(escaped);
    filled.set(name, includeAll === true ? (allValue ?? `(${all.join("|")})`) : String(current?.value));
  }
  return filled;
}

/** Without what it shows in place of nothing: then a wrong label shows nothing. */
export const withoutFallback = (expr: string): string =>
  expr
    .replaceAll(" or vector(0)", "")
    .replaceAll(/ or on\(\) label_replace\(vector\(0\), "\w+", "none", "", ""\)/g, "");

const stepOf = ({ rangeSeconds, scrapeSeconds }: Source): number =>
  Math.max(scrapeSeconds, Math.ceil(rangeSeconds / MAX_POINTS));

/** The longest names first: `$__rate_interval` is not `$__rate` and a rest. */
export function interpolated(expr: string, variables: ReadonlyMap<string, string>): string {
  const names = [...variables.keys()].sort((a, b) => b.length - a.length);
  return names.reduce((text, name) => text.replaceAll(`$${name}`, variables.get(name) ?? ""), expr);
}

interface Exemplars {
  readonly exemplars: readonly { readonly labels: { readonly trace_id?: string } }[];
}

/** The traces of a query's dots. */
export async function dotsOf(target: Target, variables: ReadonlyMap<string, string>, source: Source) {
  const end = Date.now() / 1_000;
  const found = await ask<Exemplars[]>(source.url, "query_exemplars", {
    query: interpolated(target.expr, variables),
    ...{ start: String(end - source.rangeSeconds), end: String(end) },
  });
  return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id ?? ""));
}

/** What is drawn of each of its series: the numbers, oldest first. */
export async function drawn(target: Target, variables: ReadonlyMap<string, string>, source: Source) {
  const query = interpolated(target.expr, variables);
  const end = Date.now() / 1_000;
  const range = { start: String(end - source.rangeSeconds), end: String(end), step: String(stepOf(source)) };
  const { result } =
    target.instant === true
      ? await ask<{ result: Series[] }>(source.url, "query", { query, time: String(end) })
      : await ask<{ result: Series[] }>(source.url, "query_range", { query, ...range });
  const numbers = ({ value, values = [] }: Series): number[] =>
    [...(value === undefined ? [] : [value]), ...values].map(([, text]) => Number(text));
  return result
    .map(series => numbers(series).filter(number => Number.isFinite(number)))
    .filter(({ length }) => length > 0);
}
