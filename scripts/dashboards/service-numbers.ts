// What the panels of Service are about, and its row of numbers.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { toBoard, toLogs, toTraces } from "./library/links.ts";
import { anyIsBad, rising, type PanelSpec } from "./library/panels.ts";
import { matching, metric, ofAll, orZero, over, perSecond, quantile, share } from "./library/promql.ts";

export const ofService = { action: matching("v\\d+\\.$service\\..*") };
export const ofNodes = { node_services: matching(".*,$service,.*") };
export const traces = toTraces("Traces of the service", { service: "$service" });
export const logs = toLogs("Its warnings and errors", '| json | level=~"warn|error|fatal" |= "$service"');

export const glance: PanelSpec[] = [
  {
    title: "Nodes",
    says: "Nodes that run this service and are reached by Prometheus.",
    good: "As many as were started.",
    otherwise: "0 is an outage: `docker compose ps`, and the logs of the node that is missing.",
    unit: units.Short,
    limits: [
      { from: Number.NEGATIVE_INFINITY, colour: "red" },
      { from: 1, colour: "green" },
    ],
    links: [toBoard("Infrastructure", "infrastructure")],
    queries: [{ expr: orZero('count(up{job="comptoir", node_services=~".*,$service,.*"} == 1)'), legend: "up" }],
  },
  {
    title: "Calls",
    says: "Calls that its nodes began to handle, per second.",
    good: "What is usual at this hour.",
    otherwise:
      "0 while others call it: its circuits are open, or it has left the registry (GET /v1/registry/services).",
    unit: units.OpsPerSecond,
    queries: [{ expr: perSecond("comptoir_actions_begun_total", [], ofService), legend: "calls" }],
  },
  {
    title: "Calls that fail",
    says: "Share of its calls that end in an error, refusals of the business included.",
    good: "A few per cent: refusals such as OUT_OF_STOCK are answers.",
    otherwise: "Look at the codes below: those with a status of 500 and above are faults (docs/errors.md).",
    unit: units.PercentUnit,
    decimals: 2,
    limits: rising(0.05, 0.2),
    links: [logs],
    queries: [
      {
        expr: share(
          perSecond("comptoir_action_errors_total", [], ofService),
          perSecond("comptoir_actions_begun_total", [], ofService),
        ),
        legend: "errors",
      },
    ],
  },
  {
    title: "Handling p99",
    says: "99 of 100 calls are handled within this time.",
    good: "Below 100 ms.",
    otherwise: "Compare with the store's latency below: if that is low, the time goes to calls of other services.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    links: [traces],
    queries: [{ expr: quantile(0.99, "comptoir_action_seconds", [], ofService), legend: "p99" }],
  },
  {
    title: "Calls in hand",
    says: "Calls that its nodes are handling at this moment.",
    good: "Rises and falls with the calls.",
    otherwise: "It only rises: something behind the service hangs. docs/resilience.md has the bulkheads that bound it.",
    unit: units.Short,
    queries: [{ expr: over("sum", metric("comptoir_actions_in_flight", ofNodes)), legend: "in hand" }],
  },
  {
    title: "Open circuits to it",
    says: "Pairs of action and node of this service that callers have given up for a moment.",
    good: "0.",
    otherwise:
      "The node that is called fails or hangs. The panel of circuits below names it; restart it if it does not recover.",
    unit: units.Short,
    limits: anyIsBad,
    queries: [
      {
        expr: orZero(`count(${ofAll("comptoir_circuit_breaker_state", ["action", "exported_node"], ofService)} > 0)`),
        legend: "open",
      },
    ],
  },
];
