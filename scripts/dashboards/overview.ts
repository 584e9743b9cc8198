// Is the shop well, and if not: where? The first dashboard to look at.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard, toErrors, toLogs, toTraces } from "./library/links.ts";
import { anyIsBad, graph, number, rising, rows, stack, type PanelSpec } from "./library/panels.ts";
import { ofAll, orNone, orZero, over, perSecond, quantile, share } from "./library/promql.ts";
import { burnRate, burnWindows } from "./library/objectives.ts";

const requests = perSecond("app_requests_total");
const failed = perSecond("comptoir_requests_failed_total");
const toService = toBoard("Service", "service", "var-service=${__data.fields.service}");
const toSagas = toBoard("Sagas & Events", "sagas");

const well: PanelSpec[] = [
  {
    title: "Firing alerts",
    says: "Alerts of Prometheus that fire at this moment.",
    good: "0.",
    otherwise: "Read them in the table below; each has a page in docs/operations that says what to do.",
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
    links: [toLogs("Findings in the logs", '|= "audit"')],
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
    links: [toTraces("Slow traces", { service: "gateway", minDuration: "1s" })],
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
    links: [toSagas, toLogs("Sagas in the logs", '|= "saga"')],
    queries: [{ expr: orZero(ofAll("comptoir_saga_oldest_seconds")), legend: "oldest" }],
  },
  {
    title: "Nodes out of service",
    says: "Nodes that Prometheus cannot reach, or that say of themselves that they are not ready.",
    good: "0; for a moment more while nodes start or stop.",
    otherwise: "Infrastructure names them. /ready on a node's ops port says why it is not ready.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toBoard("Infrastructure", "infrastructure")],
    queries: [{ expr: orZero(`count(up{job="comptoir"} == 0 or comptoir_ready == 0)`), legend: "nodes" }],
  },
];

const flow: PanelSpec[] = [
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
    good: "Near 0; some hundreds under load.",
    otherwise: "It grows: that subscriber is too slow or stands still. Sagas & Events shows which.",
    unit: units.Short,
    limits: rising(1_000, 10_000),
    links: [toSagas],
    queries: [
      { expr: orZero(over("max", ofAll("comptoir_events_lag", ["subscriber"]))), legend: "slowest subscriber" },
    ],
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
    good: "0.",
    otherwise: "`npm run events -- dead-letters` shows them with their errors; mend the cause, then `replay`.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toSagas],
    queries: [{ expr: orZero(over("sum", ofAll("comptoir_dead_letters", ["subscriber"]))), legend: "waiting" }],
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

const overTime = [
  graph({
    title: "Orders by status",
    says: "Orders that came to a status, per second.",
    good: "CONFIRMED follows placed closely.",
    otherwise: "REJECTED rises: Business has the reasons. Placed without an end: the sagas do not come on.",
    unit: units.OpsPerSecond,
    links: [toBoard("Business", "business"), toSagas],
    queries: [
      { expr: perSecond("comptoir_orders_placed_total"), legend: "placed" },
      { expr: perSecond("comptoir_orders_total", ["status"]), legend: "{{status}}" },
    ],
  }),
  graph({
    title: "Latency",
    says: "Time to answer a request, over all services. Dots are traces: a click opens one.",
    good: "p50 below 50 ms, p99 below 250 ms.",
    otherwise: "Open a dot above the line and see which span is long; or compare services in the table below.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    links: [toTraces("Slow traces", { service: "gateway", minDuration: "1s" })],
    queries: [0.5, 0.95, 0.99].map(q => ({
      expr: quantile(q, "app_request_latency_seconds"),
      legend: `p${String(q * 100)}`,
      exemplars: true,
    })),
  }),
  graph({
    title: "Error budget burn",
    says: "How many times faster than allowed the error budget is spent, over several windows.",
    good: "All below 1.",
    otherwise:
      "Short windows high, long ones low: it has just begun. All high: it lasts. 14.4 calls somebody, 6 soon, 1 makes a ticket.",
    unit: units.Short,
    decimals: 2,
    limits: rising(1, 14.4),
    queries: burnWindows.map(window => ({ expr: burnRate(window), legend: window })),
  }),
  stack({
    title: "Answers by status code",
    says: "Answers of the gateway per second.",
    good: "Nearly all 2xx and 3xx; some 4xx are clients' mistakes.",
    otherwise:
      "429 and 503 with Retry-After: clients are held back, look at refused requests in Service. 500: look at the logs.",
    unit: units.RequestsPerSecond,
    links: [toErrors()],
    queries: [{ expr: perSecond("http_requests_by_status_code_total", ["status_code"]), legend: "{{status_code}}" }],
  }),
];

const where = [
  rows({
    title: "Services",
    says: "What the gateway sees of each service.",
    good: "No red.",
    otherwise: "Click a service to see its actions, its store and its circuits.",
    unit: units.Short,
    rows: ["service"],
    rowLink: toService,
    columns: [
      { unit: units.RequestsPerSecond },
      { unit: units.PercentUnit, limits: rising(0.001, 0.01) },
      { unit: units.Seconds, limits: rising(0.25, 1) },
    ],
    queries: [
      { expr: perSecond("app_requests_total", ["service"]), legend: "requests" },
      {
        expr: `(${perSecond("comptoir_requests_failed_total", ["service"])} or ${perSecond("app_requests_total", ["service"])} * 0) / ${perSecond("app_requests_total", ["service"])}`,
        legend: "failed",
      },
      { expr: quantile(0.99, "app_request_latency_seconds", ["service"]), legend: "p99" },
    ],
  }),
  rows({
    title: "Alerts that fire",
    says: "What Prometheus reports at this moment.",
    good: "One line: none.",
    otherwise: "docs/operations has a page for each; severity page is for now, ticket for tomorrow.",
    unit: units.Short,
    rows: ["alertname", "severity"],
    columns: [{ unit: units.Short, limits: anyIsBad }],
    queries: [
      { expr: orNone('count by (alertname, severity) (ALERTS{alertstate="firing"})', "alertname"), legend: "firing" },
    ],
  }),
  graph({
    title: "Failed requests by service and code",
    says: "Requests per second that were answered with 500 or above.",
    good: "Flat at 0.",
    otherwise:
      "SERVICE_UNAVAILABLE: no node of it answers. EVENT_BACKLOG: the log is away. UNEXPECTED: a fault of ours, with its stack in the logs. docs/errors.md has all codes.",
    unit: units.RequestsPerSecond,
    links: [toErrors()],
    queries: [
      {
        expr: orNone(perSecond("comptoir_requests_failed_total", ["service", "code"]), "service"),
        legend: "{{service}} {{code}}",
      },
    ],
  }),
  graph({
    title: "What waits",
    says: "Events that subscribers have before them, and events in outboxes.",
    good: "Both return to 0 after each burst.",
    otherwise: "One line climbs: its subscriber (lag) or the way to the log (outbox) is the place to look.",
    unit: units.Short,
    links: [toSagas],
    queries: [
      { expr: ofAll("comptoir_events_lag", ["subscriber"]), legend: "lag of {{subscriber}}" },
      { expr: ofAll("comptoir_outbox_events", ["database"]), legend: "outbox of {{database}}" },
    ],
  }),
  graph({
    title: "Requests held back",
    says: "Requests refused because a gateway cannot keep up (503), or because a client asks too often (429).",
    good: "0.",
    otherwise:
      "lag, in flight: more gateways (docs/operations/docker.md). rate, login: one client asks too much, or guesses passwords.",
    unit: units.RequestsPerSecond,
    queries: [
      { expr: orNone(perSecond("comptoir_requests_shed_total", ["reason"]), "reason"), legend: "503 {{reason}}" },
      { expr: orNone(perSecond("comptoir_requests_limited_total", ["limit"]), "limit"), legend: "429 {{limit}}" },
    ],
  }),
  graph({
    title: "Audit findings",
    says: "Open findings of each check.",
    good: "All at 0.",
    otherwise: "GET /v1/audit?status=OPEN names the objects; docs/operations/audit.md says what each means.",
    unit: units.Short,
    queries: [
      { expr: ofAll("comptoir_audit_violations", ["check"]), legend: "{{check}}" },
      { expr: `${over("sum", ofAll("comptoir_audit_failed", ["check"]))}`, legend: "checks that did not end" },
    ],
  }),
];

export const overview = () =>
  board({
    board: "overview",
    title: "Overview",
    answers:
      "Is the shop well, and if not, where is the trouble? Read the two rows of numbers, then the table of services.",
    links: [toErrors("Errors in the logs")],
    sections: [
      { title: "Is the shop well?", panels: [...well, ...flow].map(number) },
      { title: "What happens", panels: overTime },
      { title: "Where to look", panels: where },
    ],
  });
