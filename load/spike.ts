// A usual rate, eight times of it for a third of the time, and the usual rate again: is the shop itself afterwards?
import exec from "k6/execution";
import type { Options } from "k6/options";
import { buy, setupOf, teardownOf } from "./lib/buying.ts";
import { BURST_S, common, kept, stairs } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import type { Start } from "./lib/shop.ts";
import { stepsOf, summary, type Result } from "./lib/summary.ts";

const settings = settingsOf({ rate: 50, duration: 45 });
const TIMES = 8;
/** The last part begins when what the spike has left over is through. */
const RECOVERY = 0.15;
const lengths = [1 / 3, 1 / 3, RECOVERY, 1 / 3 - RECOVERY];
const names = ["before", "spike", "recovery", "after"] as const;
const stages = lengths.map((share, index) => ({
  rate: settings.rate * (names[index] === "spike" ? TIMES : 1),
  duration: settings.duration * share,
}));

const AFTER = "{step:4}";

export const options = {
  ...common,
  scenarios: { spike: stairs(stages, BURST_S) },
  thresholds: {
    ...kept,
    [`orders_refused${AFTER}`]: ["count==0"],
    [`order_latency${AFTER}`]: ["p(99)<500"],
    // The first of the spike are let in as a burst: those wait for one another.
    ...Object.fromEntries([2, 3].map(step => [`order_latency{step:${String(step)}}`, ["p(99)<3000"]])),
    "order_latency{step:1}": ["p(99)<500"],
    ...Object.fromEntries([1, 2, 3, 4].map(step => [`orders_accepted{step:${String(step)}}`, ["count>0"]])),
    ...Object.fromEntries([1, 2, 3].map(step => [`orders_refused{step:${String(step)}}`, ["count>=0"]])),
  },
} satisfies Options;

export const setup = setupOf(settings);
export const teardown = teardownOf(settings);

/** Seconds after the begin at which each stage ends. */
const ends = stages.map((_, index) => stages.slice(0, index + 1).reduce((sum, { duration }) => sum + duration, 0));

export default function (start: Start): void {
  const elapsed = (Date.now() - exec.scenario.startTime) / 1000;
  const stage = ends.findIndex(end => elapsed < end);
  exec.vu.metrics.tags["step"] = String((stage === -1 ? stages.length - 1 : stage) + 1);
  buy("spike", settings, start, 0);
}

export function handleSummary(result: Result) {
  const steps = stepsOf(stages, result);
  const lines = steps.map(({ offered, accepted, refused, p99 }, index) => ({
    what: names[index] ?? "",
    value: `${String(offered)}/s offered, ${String(accepted)}/s accepted, ${String(refused)}/s refused, p99 ${String(p99)} ms`,
  }));
  return summary("spike", settings, result, { steps }, lines);
}
