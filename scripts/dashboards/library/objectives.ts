// The objectives over 30 days, as in monitoring/prometheus/rules/slo.yml, and how fast their error budgets burn.
import { matching, metric, notMatching, orZero, over, selector, type Pattern } from "./promql.ts";

/** Share of all answers that are no 5xx. */
const AVAILABILITY = 0.999;
/** Share of the requests that are answered in time: orders within 1 s, logins within 2.5 s, nearly all others within 250 ms. */
export const IN_TIME = 0.99;
/** Below it for an hour LatencyFastBurn pages: 14.4 times of what may be late is. */
export const PAGED_BELOW = Number((1 - 14.4 * (1 - IN_TIME)).toFixed(6));
const ORDERS = "POST /v1/orders";
/** What has an objective of its own, or none. */
const NOT_AT_ONCE = "POST /v1/(orders|backups|auth/login|auth/register)";

/** Of the alerts: each long window, and the shortest of the short ones. */
export const burnWindows = ["5m", "1h", "6h", "3d"] as const;
type Window = (typeof burnWindows)[number];

const within = (series: string, window: Window): string => over("sum", `rate(${series}[${window}])`);
const ofBudget = (objective: number): string => String(Number((1 - objective).toFixed(6)));

/** 1 spends exactly the budget of failures. */
export function burnRate(window: Window): string {
  const failed = metric("http_requests_by_status_code_total", { status_code: matching("5..") });
  const all = within(metric("http_requests_by_status_code_total"), window);
  return `(${orZero(within(failed, window))}) / ${all} / ${ofBudget(AVAILABILITY)}`;
}

/** Share of the requests to an endpoint that are answered within a bucket's bound. */
function inTime(endpoint: string | Pattern, le: string | Pattern, window: Window): string {
  const fast = within(selector("app_request_latency_seconds_bucket", { endpoint, le }), window);
  return `${fast} / ${within(selector("app_request_latency_seconds_count", { endpoint }), window)}`;
}

/** 1 spends exactly the budget of slow answers. */
export const slowBurnRate = (window: Window): string =>
  `(1 - ${inTime(notMatching(NOT_AT_ONCE), "0.25", window)}) / ${ofBudget(IN_TIME)}`;

/** Share of the orders that are answered within 1 s; Prometheus 3 writes that bound as 1.0. */
export const ordersInTime = (window: Window): string => inTime(ORDERS, matching("1(\\.0)?"), window);
