// The objectives over 30 days, as in monitoring/prometheus/rules/slo.yml, and how fast their error budgets burn.
import { isNot, matching, metric, orZero, over, selector } from "./promql.ts";

/** Share of all answers that are no 5xx. */
const AVAILABILITY = 0.999;
/** Share of the requests, orders aside, that are answered within 250 ms. */
const IN_TIME = 0.99;

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

/** 1 spends exactly the budget of slow answers. */
export function slowBurnRate(window: Window): string {
  const other = { endpoint: isNot("POST /v1/orders") };
  const inTime = within(selector("app_request_latency_seconds_bucket", { ...other, le: "0.25" }), window);
  const all = within(selector("app_request_latency_seconds_count", other), window);
  return `(1 - ${inTime} / ${all}) / ${ofBudget(IN_TIME)}`;
}
