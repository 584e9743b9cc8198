// The frame of the scripts whose customers go the whole way: they arrive at a steady rate, however long it goes on.
import type { Options } from "k6/options";
import { setupOf, teardownOf } from "./buying.ts";
import { checkout } from "./journey.ts";
import { common, constantArrivals, kept } from "./scenario.ts";
import { settings as settingsOf, type Defaults } from "./settings.ts";
import type { Start } from "./shop.ts";
import { summary, type Result } from "./summary.ts";

/** What k6 wants of such a script, `run` as its default. */
export function checkouts(name: string, defaults: Defaults) {
  const settings = settingsOf(defaults);
  const options = {
    ...common,
    scenarios: { [name]: constantArrivals({ ...settings, usual: 0.6 }) },
    thresholds: {
      ...kept,
      checks: ["rate>0.99"],
      http_req_failed: ["rate<0.01"],
      "http_req_duration{name:GET /v1/products/{sku}}": ["p(99)<250"],
      order_latency: ["p(99)<1000"],
      invoice_delay: ["p(99)<5000"],
    },
  } satisfies Options;
  return {
    options,
    setup: setupOf(settings),
    teardown: teardownOf(settings),
    run: (start: Start): void => {
      checkout(name, settings, start);
    },
    handleSummary: (result: Result) => summary(name, settings, result),
  };
}
