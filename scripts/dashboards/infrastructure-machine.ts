// Parts of Infrastructure: the machine under the nodes, and what watches them.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { toLogs } from "./library/links.ts";
import { anyIsBad, graph, rising, rows, stack } from "./library/panels.ts";
import { metric, orNone, orZero, over, perSecond, rate } from "./library/promql.ts";

/** Of what holds data, as in the alerts about disks. */
export const freeShare =
  'node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660", mountpoint!~"/(boot|run|snap).*"} / node_filesystem_size_bytes';

export const machine = [
  stack({
    title: "CPU of the machine",
    says: "Cores in use, by mode.",
    good: "Below the number of cores; little iowait and steal.",
    otherwise: "iowait: the disk. steal: the host. user: the shop, or something beside it.",
    unit: units.Short,
    queries: [
      { expr: 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]))', legend: "{{mode}}" },
    ],
  }),
  graph({
    title: "Memory of the machine",
    says: "Memory that is available without swapping, and all of it.",
    good: "More than a fifth available.",
    otherwise: "Near 0 the kernel kills processes: find the largest in the memory panel above.",
    unit: units.BytesIEC,
    queries: [
      { expr: "min by (instance) (node_memory_MemAvailable_bytes)", legend: "{{instance}} available" },
      { expr: "max by (instance) (node_memory_MemTotal_bytes)", legend: "{{instance}} total" },
    ],
  }),
  graph({
    title: "Disk",
    says: "Share of the time that each disk was busy, and free space of each file system.",
    good: "Busy below 80 %, free above 20 %.",
    otherwise: "Busy near 100 %: every commit waits for it. See the stores' latency in Service.",
    unit: units.PercentUnit,
    width: 8,
    queries: [
      { expr: "max by (device) (rate(node_disk_io_time_seconds_total[$__rate_interval]))", legend: "{{device}} busy" },
      {
        expr: `min by (mountpoint) (${freeShare})`,
        legend: "{{mountpoint}} free",
      },
    ],
  }),
  graph({
    title: "Network",
    says: "Bytes per second through each interface.",
    good: "Follows the load.",
    otherwise: "At the interface's limit calls between machines wait.",
    unit: units.BytesPerSecondIEC,
    width: 8,
    queries: [
      {
        expr: 'sum by (device) (rate(node_network_receive_bytes_total{device!="lo"}[$__rate_interval]))',
        legend: "{{device}} in",
      },
      {
        expr: 'sum by (device) (rate(node_network_transmit_bytes_total{device!="lo"}[$__rate_interval]))',
        legend: "{{device}} out",
      },
    ],
  }),
  graph({
    title: "Load",
    says: "Processes that run or wait, averaged over a minute, for each core.",
    good: "Below 1.",
    otherwise: "Above 2 everything waits for CPU.",
    unit: units.Short,
    width: 8,
    decimals: 2,
    limits: rising(1, 2),
    queries: [
      {
        expr: 'max by (instance) (node_load1) / on (instance) count by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
        legend: "{{instance}}",
      },
    ],
  }),
];

/** As it stands: it has its first value when it is first seen, so that a rate of it would show nothing. */
const beyondBounds = `last_over_time(${metric("comptoir_metrics_overflows_total")}[$__rate_interval])`;

export const watching = [
  rows({
    title: "Targets",
    says: "What Prometheus scrapes, and whether it reaches it.",
    good: "1 everywhere.",
    otherwise: "0: the process has ended, or its ops port is not reachable from Prometheus.",
    unit: units.Short,
    rows: ["job", "instance", "node"],
    columns: [
      {
        unit: units.Short,
        limits: [
          { from: Number.NEGATIVE_INFINITY, colour: "red" },
          { from: 1, colour: "green" },
        ],
      },
      { unit: units.Seconds, limits: rising(1, 5) },
    ],
    queries: [
      { expr: over("min", "up", ["job", "instance", "node"]), legend: "up" },
      { expr: over("max", "scrape_duration_seconds", ["job", "instance", "node"]), legend: "scrape" },
    ],
  }),
  graph({
    title: "Samples and series",
    says: "Samples that a scrape brings, by job, and series that Prometheus holds.",
    good: "Level: every label is bounded (docs/metrics.md).",
    otherwise:
      'It climbs: some label grows with the data. `topk(10, count by (__name__) ({job="comptoir"}))` names it.',
    unit: units.Short,
    queries: [
      { expr: over("sum", "scrape_samples_scraped", ["job"]), legend: "samples of {{job}}" },
      { expr: orZero(over("sum", "prometheus_tsdb_head_series")), legend: "series" },
    ],
  }),
  graph({
    title: "Rules that fail",
    says: "Evaluations of recording and alerting rules that failed, per second.",
    good: "0.",
    otherwise: "An alert that cannot be evaluated never fires: Prometheus' page Rules has the error.",
    unit: units.OpsPerSecond,
    queries: [
      {
        expr: orNone(over("sum", rate("prometheus_rule_evaluation_failures_total"), ["rule_group"]), "rule_group"),
        legend: "{{rule_group}}",
      },
    ],
  }),
  graph({
    title: "Scrape duration",
    says: "How long Prometheus takes to read the slowest target of each job.",
    good: "Below 100 ms.",
    otherwise: "That process is busy, or exposes too much.",
    unit: units.Seconds,
    limits: rising(1, 5),
    queries: [{ expr: over("max", "scrape_duration_seconds", ["job"]), legend: "{{job}}" }],
  }),
  graph({
    title: "Labels beyond their bounds",
    says: "Labels of each metric that had more values than the catalogue allows, in the processes that run: what came later counts as other.",
    good: "None.",
    otherwise:
      "The log of the process names the label and its bound. Find what makes so many values, or raise the bound in core/metrics/bounds.ts.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toLogs("Overflows in the logs", '| json | mod="metrics" | level="warn"')],
    queries: [{ expr: orNone(over("sum", beyondBounds, ["metric", "node"]), "metric"), legend: "{{metric}} {{node}}" }],
  }),
  graph({
    title: "Spans of traces",
    says: "Spans per second that the processes sent, and that they gave up by reason. All 0 without OTEL_TRACES_EXPORTER.",
    good: "None given up.",
    otherwise:
      "failed: the receiver is away or refuses, the log says why. queue: it takes less than is sent, lower OTEL_TRACES_SAMPLER_ARG. held: very much is under way at once.",
    unit: units.OpsPerSecond,
    links: [toLogs("The receiver in the logs", '|= "Traces"')],
    queries: [
      { expr: orZero(perSecond("comptoir_spans_exported_total")), legend: "sent" },
      { expr: orNone(perSecond("comptoir_spans_dropped_total", ["reason"]), "reason"), legend: "given up: {{reason}}" },
    ],
  }),
];
