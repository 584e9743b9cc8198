// The checkout for a long time: what grows (memory, lag, latency) shows only then.
import type { Options } from "k6/options";
import { setupOf, teardownOf } from "./lib/buying.ts";
import { checkout } from "./lib/journey.ts";
import { common, constantArrivals, kept } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import type { Start } from "./lib/shop.ts";
import { summary, type Result } from "./lib/summary.ts";

const settings = settingsOf({ rate: 20, duration: 1800 });

export const options = {
  ...common,
  scenarios: { soak: constantArrivals({ ...settings, usual: 0.6 }) },
  thresholds: {
    ...kept,
    checks: ["rate>0.99"],
    http_req_failed: ["rate<0.01"],
    "http_req_duration{name:GET /v1/products/{sku}}": ["p(99)<250"],
    order_latency: ["p(99)<1000"],
    invoice_delay: ["p(99)<5000"],
  },
} satisfies Options;

export const setup = setupOf(settings);
export const teardown = teardownOf(settings);

export default function (start: Start): void {
  checkout("soak", settings, start);
}

export const handleSummary = (result: Result) => summary("soak", settings, result);
