// Which histograms keep exemplars: the id of a sampled trace with an observation, which a dashboard shows as a dot.
import type { MetricName } from "./catalogue.ts";

/** Where they are observed the trace's id is handed on; test/monitoring/dashboards.test.ts sees one of each. */
export const exemplified = [
  "app_request_latency_seconds",
  "comptoir_action_seconds",
  "comptoir_saga_seconds",
  "comptoir_events_append_seconds",
  "comptoir_event_delivery_seconds",
] as const satisfies readonly MetricName[];
