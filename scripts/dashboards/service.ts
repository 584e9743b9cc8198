// One service: who calls it, how it answers, its store, its circuits, its events.
import { QueryVariableBuilder, VariableRefresh, VariableSort } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard, toErrors } from "./library/links.ts";
import { graph, number, PROMETHEUS, rising } from "./library/panels.ts";
import { metric, ofAll, orNone, orZero, over, perSecond, quantile, rate, selector } from "./library/promql.ts";
import { events } from "./service-events.ts";
import { glance, logs, ofNodes, ofService, traces } from "./service-numbers.ts";

/** Every action carries its service's name; the gateway has none and is seen by its endpoints. */
const service = new QueryVariableBuilder("service")
  .label("Service")
  .datasource(PROMETHEUS)
  .query({ query: "label_values(comptoir_actions_begun_total, action)", refId: "services" })
  .regex("/^v\\d+\\.([^.]+)\\./")
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .sort(VariableSort.AlphabeticalAsc)
  .current({ text: "order", value: "order" });

const calls = [
  graph({
    title: "Calls by action",
    says: "Calls that its nodes began to handle.",
    good: "Steady, in the usual mix.",
    otherwise: "One action has grown alone: look who calls it in a trace.",
    unit: units.OpsPerSecond,
    links: [traces],
    queries: [{ expr: perSecond("comptoir_actions_begun_total", ["action"], ofService), legend: "{{action}}" }],
  }),
  graph({
    title: "Errors by action and code",
    says: "Calls that were answered with an error, refusals included.",
    good: "Only codes that are answers: PRODUCT_NOT_FOUND, OUT_OF_STOCK, VALIDATION_FAILED.",
    otherwise:
      "DEADLINE_EXCEEDED: too slow. SERVICE_UNAVAILABLE: what it calls is away. CONFLICT: too many at one document. UNEXPECTED: a fault of ours.",
    unit: units.OpsPerSecond,
    links: [logs],
    queries: [
      {
        expr: orNone(perSecond("comptoir_action_errors_total", ["action", "code"], ofService), "action"),
        legend: "{{action}} {{code}}",
      },
    ],
  }),
  graph({
    title: "Handling by action, p50",
    says: "Half of the calls are handled within this time.",
    good: "A few milliseconds for one object, more for lists.",
    otherwise: "All rise together: the node has too little CPU (Infrastructure). One rises alone: that action.",
    unit: units.Seconds,
    queries: [{ expr: quantile(0.5, "comptoir_action_seconds", ["action"], ofService), legend: "{{action}}" }],
  }),
  graph({
    title: "Handling by action, p99",
    says: "99 of 100 calls are handled within this time. Dots are traces: a click opens one.",
    good: "Below a second; v1.order.place waits for its saga.",
    otherwise: "Open a dot and see which span is long.",
    unit: units.Seconds,
    links: [traces],
    queries: [
      { expr: quantile(0.99, "comptoir_action_seconds", ["action"], ofService), legend: "{{action}}", exemplars: true },
    ],
  }),
];

const endpoints = [
  graph({
    title: "Requests by endpoint",
    says: "Requests at the gateway that this service answered.",
    good: "Steady, in the usual mix.",
    otherwise: "One endpoint has grown alone: a client polls, or repeats what it should not.",
    unit: units.RequestsPerSecond,
    width: 8,
    queries: [{ expr: perSecond("app_requests_total", ["endpoint"], { service: "$service" }), legend: "{{endpoint}}" }],
  }),
  graph({
    title: "Failed requests by endpoint and code",
    says: "Requests that were answered with 500 or above.",
    good: "Flat at 0.",
    otherwise: "docs/errors.md has the codes; the request's id and trace stand in the log line.",
    unit: units.RequestsPerSecond,
    width: 8,
    links: [toErrors()],
    queries: [
      {
        expr: orNone(
          perSecond("comptoir_requests_failed_total", ["endpoint", "code"], { service: "$service" }),
          "endpoint",
        ),
        legend: "{{endpoint}} {{code}}",
      },
    ],
  }),
  graph({
    title: "Latency by endpoint, p95",
    says: "95 of 100 requests are answered within this time, the gateway's own share included. Dots are traces.",
    good: "Below 250 ms.",
    otherwise: "Higher than the actions above: the time goes to the gateway or the wire, not to this service.",
    unit: units.Seconds,
    width: 8,
    limits: rising(0.25, 1),
    queries: [
      {
        expr: quantile(0.95, "app_request_latency_seconds", ["endpoint"], { service: "$service" }),
        legend: "{{endpoint}}",
        exemplars: true,
      },
    ],
  }),
];

const database = { database: "$service" };
const store = [
  graph({
    title: "Store latency, p95",
    says: "How long its database takes by operation.",
    good: "Below 10 ms.",
    otherwise:
      "The database or its disk is slow: look at the machine (Infrastructure). list alone: a query that scans.",
    unit: units.Seconds,
    width: 8,
    limits: rising(0.05, 0.25),
    queries: [{ expr: quantile(0.95, "comptoir_store_seconds", ["operation"], database), legend: "{{operation}}" }],
  }),
  graph({
    title: "Store operations and lost races",
    says: "Operations of its database, and writes that lost a race and were decided again.",
    good: "Lost races are rare.",
    otherwise:
      "Many of them: several nodes write to one document, mostly one SKU that everybody buys. It stays right and gets slower.",
    unit: units.OpsPerSecond,
    width: 8,
    queries: [
      {
        expr: over("sum", rate(selector("comptoir_store_seconds_count", database)), ["operation"]),
        legend: "{{operation}}",
      },
      { expr: orZero(perSecond("comptoir_store_conflicts_total", [], database)), legend: "lost races" },
    ],
  }),
  graph({
    title: "Its outbox",
    says: "Events that it has stored and the log has not taken yet.",
    good: "Returns to 0 after each burst.",
    otherwise: "It climbs: the bridge or the log is away. At COMPTOIR_OUTBOX_BOUND new orders get 503.",
    unit: units.Short,
    width: 8,
    links: [toBoard("Sagas & Events", "sagas")],
    queries: [
      { expr: ofAll("comptoir_outbox_events", [], database), legend: "events" },
      { expr: ofAll("comptoir_outbox_parked", [], database), legend: "aggregates that stand still" },
    ],
  }),
];

const resilience = [
  graph({
    title: "Circuits to its nodes",
    says: "Of each action and called node, as its callers see it: 0 closed, 1 half-open, 2 open.",
    good: "All at 0.",
    otherwise: "One node: it is ill. All nodes of an action: what the action itself depends on is.",
    unit: units.Short,
    width: 8,
    max: 2,
    limits: rising(1, 2),
    queries: [
      {
        expr: orNone(ofAll("comptoir_circuit_breaker_state", ["action", "exported_node"], ofService), "action"),
        legend: "{{action}} at {{exported_node}}",
      },
    ],
  }),
  graph({
    title: "Calls made again",
    says: "Calls of its actions that callers made once more after a failure.",
    good: "0; some while nodes come and go.",
    otherwise: "They last: the failures behind them do. Errors by code above says which.",
    unit: units.OpsPerSecond,
    width: 8,
    queries: [
      { expr: orNone(perSecond("comptoir_retries_total", ["action"], ofService), "action"), legend: "{{action}}" },
    ],
  }),
  graph({
    title: "Calls in hand by node",
    says: "Calls that each of its nodes is handling.",
    good: "About the same on each.",
    otherwise: "One node has many more: it is slower than the others, or one hot SKU belongs to it.",
    unit: units.Short,
    width: 8,
    queries: [{ expr: over("sum", metric("comptoir_actions_in_flight", ofNodes), ["node"]), legend: "{{node}}" }],
  }),
];

export const serviceBoard = () =>
  board({
    board: "service",
    title: "Service",
    answers: "What is wrong with this service: its calls, its endpoints, its store, its circuits, or its events?",
    variables: [service],
    links: [traces, logs],
    sections: [
      { title: "$service at a glance", panels: glance.map(number) },
      { title: "Calls of its actions", panels: calls },
      { title: "Its requests at the gateway", panels: endpoints },
      { title: "Its store", panels: store },
      { title: "Who cannot reach it", panels: resilience },
      { title: "Events that it takes", panels: events },
    ],
  });
