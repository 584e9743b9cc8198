// Is the shop well, and if not: where? The first dashboard to look at.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { flow, well } from "./overview-numbers.ts";
import { board } from "./library/board.ts";
import { toBoard, toErrors, toSlowTraces, toTraces } from "./library/links.ts";
import { anyIsBad, falling, graph, number, rising, rows, stack } from "./library/panels.ts";
import { metric, ofAll, orNone, over, perSecond, quantile } from "./library/promql.ts";
import { heldBack, latency, orderFlow } from "./library/shop.ts";
import { burnRate, burnWindows, IN_TIME, ordersInTime, PAGED_BELOW, slowBurnRate } from "./library/objectives.ts";

const toSagas = toBoard("Sagas & Events", "sagas");
const toService = toBoard("Service", "service", "var-service=${__data.fields.service}");
const overTime = [
  graph({
    title: "Orders by status",
    says: "Orders that came to a status, per second.",
    good: "CONFIRMED follows placed closely.",
    otherwise: "REJECTED rises: Business has the reasons. Placed without an end: the sagas do not come on.",
    unit: units.OpsPerSecond,
    width: 8,
    links: [toBoard("Business", "business"), toSagas],
    queries: orderFlow,
  }),
  graph({
    title: "Orders answered within 1 s",
    says: "Share of POST /v1/orders that is answered within 1 s, and the objective for it. REJECTED and 202 are answers too.",
    good: "Above the objective, 99 %.",
    otherwise: `Below ${(100 * PAGED_BELOW).toFixed(1)} % over an hour somebody is called (LatencyFastBurn). Open a slow trace and see which step of the saga is long.`,
    unit: units.PercentUnit,
    decimals: 2,
    max: 1,
    width: 8,
    limits: falling(PAGED_BELOW, IN_TIME),
    links: [toTraces("Slow orders", { service: "gateway", operation: "POST /v1/orders", minDuration: "1s" }), toSagas],
    queries: [
      ...(["5m", "1h"] as const).map(window => ({ expr: ordersInTime(window), legend: `in time, ${window}` })),
      { expr: `vector(${String(IN_TIME)})`, legend: "objective" },
    ],
  }),
  graph({
    title: "Latency",
    says: "Time to answer a request, over all services. Dots are traces: a click opens one.",
    good: "p50 below 50 ms, p99 below 250 ms.",
    otherwise: "Open a dot above the line and see which span is long; or compare services in the table below.",
    unit: units.Seconds,
    width: 8,
    limits: rising(0.25, 1),
    links: [toSlowTraces()],
    queries: latency,
  }),
  graph({
    title: "Error budget burn",
    says: "How many times faster than allowed the error budget is spent: 0.1 % of failures over several windows, and 1 % of answers above 250 ms, without orders and logins.",
    good: "All below 1.",
    otherwise:
      "Short windows high, long ones low: it has just begun. All high: it lasts. 14.4 calls somebody, 6 soon, 1 makes a ticket.",
    unit: units.Short,
    decimals: 2,
    limits: rising(1, 14.4),
    queries: [
      ...burnWindows.map(window => ({ expr: burnRate(window), legend: `failures, ${window}` })),
      { expr: slowBurnRate("1h"), legend: "slow answers, 1h" },
    ],
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
    otherwise: "docs/operations/alerts.md says of each what to do; severity page is for now, ticket for the morning.",
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
      "SERVICE_UNAVAILABLE: no node of it answers. OVERLOADED: below. EVENT_BACKLOG: the log is away. INTERNAL_ERROR: a fault of ours, with its stack in the logs. docs/errors.md has all codes.",
    unit: units.RequestsPerSecond,
    width: 8,
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
    width: 8,
    links: [toSagas],
    queries: [
      { expr: ofAll("comptoir_events_lag", ["subscriber"]), legend: "lag of {{subscriber}}" },
      { expr: ofAll("comptoir_outbox_events", ["database"]), legend: "outbox of {{database}}" },
    ],
  }),
  graph({
    title: "Audit findings",
    says: "Open findings of each check.",
    good: "All at 0.",
    otherwise: "GET /v1/audit?status=OPEN names the objects; docs/operations/audit.md says what each means.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: ofAll("comptoir_audit_violations", ["check"]), legend: "{{check}}" },
      { expr: over("sum", ofAll("comptoir_audit_failed", ["check"])), legend: "checks that did not end" },
    ],
  }),
  graph({
    title: "Requests held back",
    says: "Requests refused because the shop cannot keep up (503), or because a client asks too often (429).",
    good: "0.",
    otherwise:
      "orders: more new orders come than can be placed, see beside; more order nodes. lag, in flight: more gateways (docs/operations/docker.md). rate, login: one client asks too much, or guesses passwords.",
    unit: units.RequestsPerSecond,
    width: 8,
    queries: heldBack,
  }),
  graph({
    title: "Orders in work",
    says: "Orders that each order node has let in and not ended, and how many it may have. Those that wait for the payment provider do not count.",
    good: "Far below the bound.",
    otherwise:
      "At the bound new orders get 503 OVERLOADED. Bound low: more orders come than this node can do; start more of order. Bound high and many in work: sagas stand still (Sagas & Events).",
    unit: units.Short,
    width: 8,
    links: [toSagas],
    queries: [
      { expr: over("max", metric("comptoir_orders_in_work"), ["node"]), legend: "{{node}}" },
      { expr: over("max", metric("comptoir_orders_in_work_bound"), ["node"]), legend: "{{node}} bound" },
    ],
  }),
  graph({
    title: "Orders let through at the door",
    says: "Share of new orders that each gateway sends on to the order service; it answers the others with 503 OVERLOADED itself.",
    good: "100 %.",
    otherwise:
      "It follows what the order service refuses, and rises by itself once that takes all again: see Orders in work.",
    unit: units.PercentUnit,
    width: 8,
    max: 1,
    queries: [{ expr: over("min", metric("comptoir_orders_let_through_ratio"), ["node"]), legend: "{{node}}" }],
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
