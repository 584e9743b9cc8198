// What more than one dashboard asks of the whole shop.
import type { Query } from "./panels.ts";
import { orNone, perSecond, quantile } from "./promql.ts";

/** Per second: orders that were placed, and those that came to each status. */
export const orderFlow: readonly Query[] = [
  { expr: perSecond("comptoir_orders_placed_total"), legend: "placed" },
  { expr: perSecond("comptoir_orders_total", ["status"]), legend: "{{status}}" },
];

/** Of all requests at the gateways. */
export const latency: readonly Query[] = [0.5, 0.95, 0.99].map(q => ({
  expr: quantile(q, "app_request_latency_seconds"),
  legend: `p${String(q * 100)}`,
  exemplars: true,
}));

/** Per second: requests that a gateway could not take, and those of clients that ask too often. */
export const heldBack: readonly Query[] = [
  { expr: orNone(perSecond("comptoir_requests_shed_total", ["reason"]), "reason"), legend: "503 {{reason}}" },
  { expr: orNone(perSecond("comptoir_requests_limited_total", ["limit"]), "limit"), legend: "429 {{limit}}" },
];
