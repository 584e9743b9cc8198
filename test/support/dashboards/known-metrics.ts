// Every metric that a query may name, with its labels: ours from the catalogue, those of others from where they are made.
import { createRequire } from "node:module";
import { collectDefaultMetrics, Registry } from "prom-client";
import { catalogue, type MetricSpec } from "../../../core/metrics/catalogue.ts";

export interface Known {
  readonly type: "counter" | "gauge";
  readonly labels: ReadonlySet<string>;
}

/** On every target of the shop; a metric's own label of such a name becomes `exported_…`. */
export const targetLabels = ["job", "instance", "node", "node_services"];

const known = new Map<string, Known>();

function add(
  name: string,
  type: "counter" | "gauge" | "histogram",
  own: readonly string[],
  target = targetLabels,
): void {
  const renamed = own.map(label => (target.includes(label) ? `exported_${label}` : label));
  const labels = new Set([...renamed, ...target]);
  if (type !== "histogram") known.set(name, { type, labels });
  else {
    known.set(`${name}_bucket`, { type: "counter", labels: new Set([...labels, "le"]) });
    for (const suffix of ["_sum", "_count"]) known.set(name + suffix, { type: "counter", labels });
  }
}

for (const [name, { type, labels }] of Object.entries<MetricSpec>(catalogue)) add(name, type, Object.keys(labels));

// prom-client does not say the labels of what it has not observed yet.
const unobserved: Readonly<Record<string, readonly string[]>> = {
  nodejs_gc_duration_seconds: ["kind"],
  nodejs_active_handles: ["type"],
  nodejs_active_requests: ["type"],
};
const defaults = new Registry();
collectDefaultMetrics({ register: defaults });
for (const { name, type, values } of await defaults.getMetricsAsJSON()) {
  const labels = values.flatMap(({ labels: ofValue }) => Object.keys(ofValue));
  add(name, String(type) as "counter" | "gauge" | "histogram", [...labels, ...(unobserved[name] ?? [])]);
}

/** It has no types of its own. */
const topology = createRequire(import.meta.url)("moleculer-prometheus") as {
  readonly settings: { readonly metrics: Readonly<Record<string, { type: string; labelNames?: readonly string[] }>> };
};
for (const [name, spec] of Object.entries(topology.settings.metrics))
  add(name, spec.type.toLowerCase() as "counter" | "gauge" | "histogram", spec.labelNames ?? []);

// Prometheus makes these of every scrape and of every alert.
for (const name of ["up", "scrape_duration_seconds", "scrape_samples_scraped"]) add(name, "gauge", []);
add("ALERTS", "gauge", ["alertname", "alertstate", "severity"]);

const machine = ["job", "instance"];
add("prometheus_tsdb_head_series", "gauge", [], machine);
add("prometheus_rule_evaluation_failures_total", "counter", ["rule_group"], machine);

// node-exporter 1.x.
add("node_cpu_seconds_total", "counter", ["cpu", "mode"], machine);
add("node_memory_MemAvailable_bytes", "gauge", [], machine);
add("node_memory_MemTotal_bytes", "gauge", [], machine);
add("node_load1", "gauge", [], machine);
add("node_disk_io_time_seconds_total", "counter", ["device"], machine);
for (const name of ["avail", "size"])
  add(`node_filesystem_${name}_bytes`, "gauge", ["device", "fstype", "mountpoint"], machine);
for (const name of ["receive", "transmit"]) add(`node_network_${name}_bytes_total`, "counter", ["device"], machine);

// k6's remote write: a suffix for each statistic that it is told to push, counters as they are, times in seconds.
const tags = ["scenario", "group", "testid"];
const request = [...tags, "name", "method", "status", "expected_response", "error_code"];
add("k6_vus", "gauge", ["testid"], []);
add("k6_checks_rate", "gauge", [...tags, "check"], []);
add("k6_http_reqs_total", "counter", request, []);
add("k6_http_req_failed_rate", "gauge", request, []);
for (const stat of ["p90", "p99"]) add(`k6_http_req_duration_${stat}`, "gauge", request, []);
for (const name of [
  "iterations",
  "dropped_iterations",
  "data_sent",
  "data_received",
  "orders_accepted",
  "orders_refused",
  "orders_failed",
])
  add(`k6_${name}_total`, "counter", tags, []);
for (const name of ["order_latency_p50", "order_latency_p99", "checkout_duration_p99", "invoice_delay_p99"])
  add(`k6_${name}`, "gauge", tags, []);
for (const name of ["invariants_broken", "refusals_without_retry_after"]) add(`k6_${name}_total`, "counter", tags, []);

export const knownMetric = (name: string): Known | undefined => known.get(name);
