// Twice what the shop can do, for a while: what it accepts it still accepts, quickly, and the rest is told to come later.
// --rate is the saturated rate that `ramp` has found. Arrivals are not repeated here, so that they stay at twice of it.
import type { Options } from "k6/options";
import { buy, setupOf, teardownOf } from "./lib/buying.ts";
import { BURST_S, common, constantArrivals, kept } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import type { Start } from "./lib/shop.ts";
import { summary, type Result } from "./lib/summary.ts";

const TIMES = 2;
const GOODPUT = 0.9;
/** Of the arrivals: a client that falls behind does not offer twice of anything. */
const NOT_SENT = 0.01;
const settings = settingsOf({ rate: 300, duration: 30 });
const arrivals = { rate: settings.rate * TIMES, duration: settings.duration };

export const options = {
  ...common,
  scenarios: { overload: constantArrivals({ ...arrivals, usual: BURST_S }) },
  thresholds: {
    ...kept,
    orders_accepted: [`count>=${String(Math.floor(settings.rate * GOODPUT * settings.duration))}`],
    order_latency: ["p(99)<=1000"],
    dropped_iterations: [`count<=${String(Math.floor(arrivals.rate * arrivals.duration * NOT_SENT))}`],
  },
} satisfies Options;

export const setup = setupOf(settings);
export const teardown = teardownOf(settings);

export default function (start: Start): void {
  buy("overload", settings, start, 0);
}

export const handleSummary = (result: Result) =>
  summary("overload", { ...settings, rate: settings.rate * TIMES }, result, { saturatedRate: settings.rate });
