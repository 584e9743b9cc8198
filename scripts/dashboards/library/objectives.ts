// The service level objective that burn rates are counted against, as in monitoring/prometheus/rules.
import { metric, orZero, over } from "./promql.ts";

/** Share of the requests that are answered with less than 500, over 30 days. */
const AVAILABILITY = 0.999;

/** Of the alerts: each long window with its short one. */
export const burnWindows = ["5m", "1h", "6h", "3d"] as const;

/** 1 spends exactly the budget. */
export function burnRate(window: (typeof burnWindows)[number]): string {
  const within = (series: string): string => over("sum", `rate(${series}[${window}])`);
  const failed = within(metric("comptoir_requests_failed_total"));
  const all = within(metric("app_requests_total"));
  return `(${orZero(failed)}) / ${all} / ${String(Number((1 - AVAILABILITY).toFixed(6)))}`;
}
