// A stair of rates up to --rate: what is accepted grows with what is offered until the shop is saturated. The most that
// any step accepted, with 99 of 100 answered within a second, is the saturated rate, which `overload` wants to know.
import exec from "k6/execution";
import type { Options } from "k6/options";
import { buy, setupOf, teardownOf } from "./lib/buying.ts";
import { common, kept, stairs, type Stage } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import type { Start } from "./lib/shop.ts";
import { stepsOf, summary, type Result } from "./lib/summary.ts";

const settings = settingsOf({ rate: 1000, duration: 60 });
const STEPS = 8;
const stage = (index: number): Stage => ({
  rate: (settings.rate * (index + 1)) / STEPS,
  duration: settings.duration / STEPS,
});
const stages = Array.from({ length: STEPS }, (_, index) => stage(index));

/** Beyond this orders pile up: a shop may go on accepting for a while, but nobody gets an answer in time. */
const IN_TIME_MS = 1_000;

/** A threshold that always holds makes k6 keep a metric by its tag. */
const byStep = (metric: string, always: string) =>
  Object.fromEntries(stages.map((_, index) => [`${metric}{step:${String(index + 1)}}`, [always]]));

export const options = {
  ...common,
  scenarios: { ramp: stairs(stages) },
  thresholds: {
    ...kept,
    ...byStep("orders_accepted", "count>=0"),
    ...byStep("orders_refused", "count>=0"),
    ...byStep("order_latency", "max>=0"),
  },
} satisfies Options;

export const setup = setupOf(settings);
export const teardown = teardownOf(settings);

export default function (start: Start): void {
  const step = Math.floor((Date.now() - exec.scenario.startTime) / ((settings.duration * 1000) / STEPS));
  exec.vu.metrics.tags["step"] = String(Math.min(step, STEPS - 1) + 1);
  buy("ramp", settings, start, 0);
}

export function handleSummary(result: Result) {
  const steps = stepsOf(stages, result);
  const inTime = steps.filter(({ p99 }) => p99 <= IN_TIME_MS);
  const saturatedRate = Math.max(0, ...inTime.map(({ accepted }) => accepted));
  const lines = steps.map(({ offered, accepted, refused, p50, p99 }) => ({
    what: `${String(offered)}/s`,
    value: `accepted ${String(accepted)}/s, refused ${String(refused)}/s, p50 ${String(p50)} ms, p99 ${String(p99)} ms`,
  }));
  const said =
    saturatedRate > 0 ? `${String(saturatedRate)}/s` : "none: no step was in time, begin with a lower --rate";
  const saturated = { what: "saturated rate", value: said };
  return summary("ramp", settings, result, { steps, saturatedRate }, [...lines, saturated]);
}
