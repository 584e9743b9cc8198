// What a run prints at its end: a short table, and one line of JSON for programs.
import type { Settings } from "./settings.ts";

type Values = Readonly<Record<string, number | undefined>>;
interface Threshold {
  readonly ok: boolean;
}
interface Metric {
  readonly values: Values;
  readonly thresholds?: Readonly<Record<string, Threshold>>;
}
/** As k6 hands it to handleSummary(). */
export interface Result {
  readonly metrics: Readonly<Record<string, Metric | undefined>>;
  readonly state: { readonly testRunDurationMs: number };
}

export interface Line {
  readonly what: string;
  readonly value: string;
}

const value = ({ metrics }: Result, metric: string, of: string): number => metrics[metric]?.values[of] ?? 0;
const count = (result: Result, metric: string): number => value(result, metric, "count");
const whole = (number: number): number => Math.round(number);

/** Names of the thresholds that were crossed, as "metric: expression". */
const crossedIn = ({ metrics }: Result): string[] =>
  Object.entries(metrics).flatMap(([name, metric]) =>
    Object.entries(metric?.thresholds ?? {})
      .filter(([, { ok }]) => !ok)
      .map(([expression]) => `${name}: ${expression}`),
  );

/** One JSON object's worth; `orders` is null for scripts that place none. */
export function figures(scenario: string, { rate, duration }: Settings, result: Result) {
  const accepted = count(result, "orders_accepted");
  const isAudited = result.metrics["invariants_broken"] !== undefined;
  const found = value(result, "orders_found", "value");
  return {
    scenario,
    rate,
    seconds: duration,
    iterations: count(result, "iterations"),
    notSent: count(result, "dropped_iterations"),
    requests: count(result, "http_reqs"),
    failedShare: value(result, "http_req_failed", "rate"),
    latency: {
      p50: whole(value(result, "http_req_duration", "p(50)")),
      p99: whole(value(result, "http_req_duration", "p(99)")),
    },
    orders: !isAudited
      ? null
      : {
          accepted,
          perSecond: Number((accepted / duration).toFixed(1)),
          refused: count(result, "orders_refused"),
          failed: count(result, "orders_failed"),
          p50: whole(value(result, "order_latency", "p(50)")),
          p99: whole(value(result, "order_latency", "p(99)")),
          max: whole(value(result, "order_latency", "max")),
          confirmed: value(result, "orders_confirmed", "value"),
          /** Accepted, and not in the shop afterwards. An answer that did not arrive makes it less than 0. */
          lost: Math.max(0, accepted - found),
          broken: count(result, "invariants_broken"),
        },
    crossed: crossedIn(result),
  };
}

function rows({ orders, ...all }: ReturnType<typeof figures>): Line[] {
  const line = (what: string, shown: string | number): Line => ({ what, value: String(shown) });
  const lines = [
    line("offered", `${String(all.rate)}/s for ${String(all.seconds)} s`),
    line("iterations", `${String(all.iterations)} (${String(all.notSent)} not sent: too few virtual users)`),
    line("requests", `${String(all.requests)}, p50 ${String(all.latency.p50)} ms, p99 ${String(all.latency.p99)} ms`),
  ];
  if (orders === null) return lines;
  return [
    ...lines,
    line("orders accepted", `${String(orders.accepted)} (${String(orders.perSecond)}/s)`),
    line("orders refused", `${String(orders.refused)} by 503 or 429, ${String(orders.failed)} failed otherwise`),
    line("latency of accepted", `p50 ${String(orders.p50)} ms, p99 ${String(orders.p99)} ms`),
    line("invariants", `${String(orders.broken)} broken, ${String(orders.lost)} orders lost`),
  ];
}

export function summary(scenario: string, settings: Settings, result: Result, more: object = {}, extra: Line[] = []) {
  const said = figures(scenario, settings, result);
  const lines = [...rows(said), ...extra].map(({ what, value: shown }) => `  ${what.padEnd(22)}${shown}`);
  const crossed = said.crossed.map(name => `  crossed               ${name}`);
  return { stdout: ["", ...lines, ...crossed, JSON.stringify({ ...said, ...more }), ""].join("\n") };
}

export interface StepFigures {
  /** Per second, as the others. */
  readonly offered: number;
  readonly accepted: number;
  readonly refused: number;
  /** Of the accepted, in ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Of metrics that were tagged `step`, from 1. */
export const stepsOf = (stages: readonly { rate: number; duration: number }[], result: Result): StepFigures[] =>
  stages.map(({ rate, duration }, index) => {
    const tag = `{step:${String(index + 1)}}`;
    const perSecond = (metric: string): number => Number((count(result, metric + tag) / duration).toFixed(1));
    return {
      offered: whole(rate),
      accepted: perSecond("orders_accepted"),
      refused: perSecond("orders_refused"),
      p50: whole(value(result, `order_latency${tag}`, "p(50)")),
      p99: whole(value(result, `order_latency${tag}`, "p(99)")),
    };
  });
