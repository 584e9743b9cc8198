// The Overview's two rows of numbers.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { expressionsOf } from "./library/alerts.ts";
import { toBoard, toErrors, toLogs, toSlowTraces } from "./library/links.ts";
import { burnRate } from "./library/objectives.ts";
import { anyIsBad, rising, type PanelSpec } from "./library/panels.ts";
import { ofAll, orZero, over, perSecond, quantile, share } from "./library/promql.ts";

const requests = perSecond("app_requests_total");
const failed = perSecond("comptoir_requests_failed_total");
const toSagas = toBoard("Sagas & Events", "sagas");

export const well: PanelSpec[] = [
  {
    title: "Firing alerts",
    says: "Alerts of Prometheus that fire at this moment.",
    good: "0.",
    otherwise: "Read them in the table below; docs/operations/alerts.md says of each what to do.",
    unit: units.Short,
    limits: anyIsBad,
    queries: [{ expr: orZero(over("sum", 'ALERTS{alertstate="firing"}')), legend: "firing" }],
  },
  {
    title: "Broken promises",
    says: "Open findings of the audit: stock, charges, invoices, numbers, events, what is overdue.",
    good: "0, always.",
    otherwise:
      "GET /v1/audit?status=OPEN names the order, SKU or payment of each. docs/operations/audit.md says what to do about it.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toLogs("Findings in the logs", '|= "audit.violation.v1"')],
    queries: [{ expr: orZero(over("sum", ofAll("comptoir_audit_violations", ["check"]))), legend: "findings" }],
  },
  {
    title: "Failed requests",
    says: "Share of the requests that were answered with a status of 500 or above.",
    good: "Below 0.1 %, which is the objective.",
    otherwise: "The table below shows whose requests fail; follow its link to the service and its codes.",
    unit: units.PercentUnit,
    decimals: 2,
    limits: rising(0.001, 0.01),
    links: [toErrors()],
    queries: [{ expr: share(failed, requests), legend: "failed" }],
  },
  {
    title: "Latency p99",
    says: "99 of 100 requests are answered within this time.",
    good: "Below 250 ms.",
    otherwise: "Above 1 s clients notice. The latency panel below has traces of single requests as dots.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    links: [toSlowTraces()],
    queries: [{ expr: quantile(0.99, "app_request_latency_seconds"), legend: "p99" }],
  },
  {
    title: "Oldest pending order",
    says: "Age of the oldest order that is still PENDING.",
    good: "A few seconds at most.",
    otherwise:
      "Above the saga's lease (10 s) its process has left it and another has not taken over yet, or a service it needs does not answer. GET /v1/orders?status=PENDING names the orders, …/timeline what each waits for.",
    unit: units.Seconds,
    limits: rising(15, 60),
    links: [toSagas, toLogs("Orders in the logs", '| json | svc="order" | level=~"warn|error|fatal"')],
    queries: [{ expr: orZero(ofAll("comptoir_saga_oldest_seconds")), legend: "oldest" }],
  },
  {
    title: "Nodes out of service",
    says: "Nodes that Prometheus cannot reach or that say of themselves that they are not ready, and services of which no node is ready.",
    good: "0 each; for a moment more while nodes start or stop.",
    otherwise:
      "Infrastructure names them. /ready on a node's ops port says why it is not ready. Of a killed node Prometheus forgets the target: it is missing under Instances by service.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toBoard("Infrastructure", "infrastructure")],
    queries: [
      { expr: orZero(`count(up{job="comptoir"} == 0 or comptoir_ready == 0)`), legend: "nodes" },
      { expr: orZero(over("count", expressionsOf("ServiceDown", "nodes.yml").join(" or "))), legend: "services" },
    ],
  },
];

export const flow: PanelSpec[] = [
  {
    title: "Orders",
    says: "Orders that were accepted, per second.",
    good: "What is usual at this hour.",
    otherwise: "None while there are requests: look at failed requests and at rejections by reason (Business).",
    unit: units.OpsPerSecond,
    links: [toBoard("Business", "business")],
    queries: [{ expr: orZero(perSecond("comptoir_orders_placed_total")), legend: "placed" }],
  },
  {
    title: "Error budget burn, 1 h",
    says: "How many times faster than allowed the error budget of 30 days has been spent within the last hour.",
    good: "Below 1.",
    otherwise:
      "At 14.4 the budget of a month is gone in two days: somebody is called. The panel below shows all windows.",
    unit: units.Short,
    decimals: 2,
    limits: rising(1, 14.4),
    queries: [{ expr: burnRate("1h"), legend: "1 h" }],
  },
  {
    title: "Events behind",
    says: "Events in the log that the slowest subscriber has before it.",
    good: "Near 0; some hundreds under load. Nothing: it cannot be measured (LagUnknown).",
    otherwise: "It grows: that subscriber is too slow or stands still. Sagas & Events shows which.",
    unit: units.Short,
    limits: rising(1_000, 10_000),
    links: [toSagas],
    queries: [{ expr: over("max", ofAll("comptoir_events_lag", ["subscriber"])), legend: "slowest subscriber" }],
  },
  {
    title: "Oldest unpublished event",
    says: "Age of the oldest event that a service has stored and the log has not taken.",
    good: "Below a second.",
    otherwise: "The log or the bridge is away. Orders go on until the outbox bound is reached, then 503 EVENT_BACKLOG.",
    unit: units.Seconds,
    limits: rising(10, 60),
    links: [toSagas],
    queries: [{ expr: orZero(ofAll("comptoir_outbox_oldest_seconds")), legend: "oldest" }],
  },
  {
    title: "Dead letters",
    says: "Events that a subscriber refused again and again, and those of the same aggregate behind them.",
    good: "0. Nothing: they cannot be counted (LagUnknown).",
    otherwise: "`npm run events -- dead-letters` shows them with their errors; mend the cause, then `replay`.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toSagas],
    queries: [{ expr: over("sum", ofAll("comptoir_dead_letters_waiting", ["subscriber"])), legend: "waiting" }],
  },
  {
    title: "Open circuits",
    says: "Pairs of action and called node whose circuit is open or half-open.",
    good: "0.",
    otherwise: "That node fails or hangs; the others get its calls. Service shows who does not reach whom.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toBoard("Service", "service")],
    queries: [
      {
        expr: orZero("count(max by (action, exported_node) (comptoir_circuit_breaker_state) > 0)"),
        legend: "open",
      },
    ],
  },
];
