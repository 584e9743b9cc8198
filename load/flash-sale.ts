// One SKU with little stock, and many more buyers than pieces: every piece is sold once, and nobody buys one that is not there.
import { Gauge } from "k6/metrics";
import type { Options } from "k6/options";
import { auditRun, report } from "./lib/audit.ts";
import { clientOf, keyOf } from "./lib/buying.ts";
import { placeOrder } from "./lib/orders.ts";
import { common, constantArrivals, kept } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import { prepare, runName, type Start } from "./lib/shop.ts";
import { summary, type Result } from "./lib/summary.ts";

const settings = settingsOf({ rate: 100, duration: 15 });
const sold = new Gauge("pieces_sold");

export const options = {
  ...common,
  scenarios: { sale: constantArrivals(settings) },
  thresholds: { ...kept, order_latency: ["p(99)<1000"] },
} satisfies Options;

/** A SKU of this run alone: its stock is exactly what is on sale. */
export function setup(): Start {
  return prepare(settings, [`FLASH-${runName()}`], settings.stock);
}

export default function (start: Start): void {
  const [sku = ""] = Object.keys(start.stock);
  placeOrder(clientOf(settings, start), { key: keyOf("flash", start), sku });
}

export function teardown(start: Start): void {
  const { orders, problems } = auditRun(settings, start);
  const confirmed = orders.filter(({ status }) => status === "CONFIRMED").length;
  const wanted = Math.min(settings.stock, orders.length);
  sold.add(confirmed);
  const kind = confirmed > wanted ? "oversold" : "pieces were kept back";
  const more = confirmed === wanted ? [] : [`${kind}: ${String(confirmed)} sold, ${String(wanted)} could be sold`];
  report([...more, ...problems]);
}

export function handleSummary(result: Result) {
  const pieces = result.metrics["pieces_sold"]?.values["value"] ?? 0;
  const line = { what: "pieces sold", value: `${String(pieces)} of ${String(settings.stock)}` };
  return summary("flash-sale", settings, result, { stock: settings.stock, sold: pieces }, [line]);
}
