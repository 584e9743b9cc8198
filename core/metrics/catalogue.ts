// Every metric of ours: its type, what it says, its labels, and how many values each label may take. What is not here
// is not registered (core/metrics/registry.ts), and docs/metrics.md is made from here.
import { bounds, type Bound } from "./bounds.ts";

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricSpec {
  readonly type: MetricType;
  readonly help: string;
  readonly labels: Readonly<Record<string, Bound>>;
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const counter = <L extends Readonly<Record<string, Bound>>>(help: string, labels: L) =>
  ({ type: "counter", help, labels }) as const;
const gauge = <L extends Readonly<Record<string, Bound>>>(help: string, labels: L) =>
  ({ type: "gauge", help, labels }) as const;
const histogram = <L extends Readonly<Record<string, Bound>>>(help: string, labels: L, buckets: readonly number[]) =>
  ({ type: "histogram", help, labels, buckets }) as const;

/** In seconds. 0.25, 1 and 2.5 are the latency objectives (monitoring/prometheus/rules). */
const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const actionSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const storeSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const sagaSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900];
const deliverySeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300];
const appendSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const gateway = {
  app_requests_total: counter("Requests that were answered, by the service behind them", {
    service: bounds.service,
    endpoint: bounds.endpoint,
  }),
  http_requests_by_status_code_total: counter("Answers of the gateway; 499: the client was gone before", {
    status_code: bounds.status,
  }),
  app_request_latency_seconds: histogram(
    "From the request's first byte to the answer's last, by the service behind it",
    { service: bounds.service, endpoint: bounds.endpoint },
    requestSeconds,
  ),
  comptoir_requests_failed_total: counter("Requests that were answered with a status of 500 or above", {
    service: bounds.service,
    endpoint: bounds.endpoint,
    code: bounds.code,
  }),
  comptoir_requests_in_flight: gauge("Requests that the gateway is answering", {}),
  comptoir_requests_shed_total: counter(
    "Requests refused because the shop could not keep up: lag, in flight, orders (here, or by the order service)",
    { reason: bounds.few },
  ),
  comptoir_orders_let_through_ratio: gauge(
    "Share of new orders, 0 to 1, that this gateway sends on to the order service; the others get OVERLOADED",
    {},
  ),
  comptoir_requests_limited_total: counter("Requests answered with 429: rate, login", { limit: bounds.few }),
};

const node = {
  comptoir_ready: gauge("1 while this node takes traffic", {}),
  comptoir_degraded: gauge("How much is missing that this node can do without for a while", {}),
  comptoir_build_info: gauge("1, with the release that runs", { version: bounds.few, node_version: bounds.few }),
  comptoir_metrics_overflows_total: counter(
    "Labels that had more values than they may: what came later is in `other`. Anything but nothing is a mistake of ours",
    { metric: bounds.metric },
  ),
  comptoir_event_loop_utilization: gauge("Share of the time, 0 to 1, in which the event loop was busy", {}),
  comptoir_actions_begun_total: counter("Calls that this node has begun to handle", { action: bounds.action }),
  comptoir_action_seconds: histogram(
    "How long this node took to handle a call",
    { action: bounds.action },
    actionSeconds,
  ),
  comptoir_action_errors_total: counter("Calls that this node answered with an error, refusals included", {
    action: bounds.action,
    code: bounds.code,
  }),
  comptoir_actions_in_flight: gauge("Calls that this node is handling", {}),
  comptoir_retries_total: counter("Calls that this node made again after a failure", { action: bounds.action }),
  comptoir_circuit_breaker_state: gauge("Circuits from this node to others: 0 closed, 1 half-open, 2 open", {
    action: bounds.action,
    node: bounds.node,
  }),
};

/** Only where traces are recorded. */
const traces = {
  comptoir_spans_exported_total: counter("Spans that the receiver of traces took", {}),
  comptoir_spans_dropped_total: counter(
    "Spans that were given up: queue (more than could be sent), failed (refused, or the receiver was away), held (too many waited to be judged)",
    { reason: bounds.few },
  ),
};

const stores = {
  comptoir_store_seconds: histogram(
    "How long the database took: load, list, write, outbox",
    { database: bounds.database, operation: bounds.operation },
    storeSeconds,
  ),
  comptoir_store_conflicts_total: counter("Writes that lost a race and were decided again", {
    database: bounds.database,
  }),
  comptoir_outbox_events: gauge("Events that wait in the outbox, of all processes", { database: bounds.database }),
  comptoir_outbox_oldest_seconds: gauge("Age of the oldest event in the outbox; 0 when it is empty", {
    database: bounds.database,
  }),
  comptoir_outbox_parked: gauge("Aggregates whose next event the log refuses: they stand still", {
    database: bounds.database,
  }),
};

const eventLog = {
  comptoir_events_appended_total: counter("Events written to the log", { type: bounds.event }),
  comptoir_events_append_seconds: histogram("From an append's begin to the log's acknowledgement", {}, appendSeconds),
  comptoir_events_append_failures_total: counter(
    "Appends that the log did not acknowledge; the relays keep their events and come again",
    {},
  ),
  comptoir_event_log_send_failures_total: counter(
    "Sends to the log's servers that failed or hung and are repeated",
    {},
  ),
  comptoir_events_delivered_total: counter("Events that a subscriber has taken", { subscriber: bounds.subscriber }),
  comptoir_event_delivery_seconds: histogram(
    "From an event's moment to its subscriber's acknowledgement",
    { subscriber: bounds.subscriber },
    deliverySeconds,
  ),
  comptoir_dead_letters_total: counter(
    "Events that went to a subscriber's dead letters, those parked behind another included",
    { subscriber: bounds.subscriber },
  ),
  comptoir_dead_letters_waiting: gauge("Dead letters that wait for a replay; none while they cannot be counted", {
    subscriber: bounds.subscriber,
  }),
  comptoir_events_lag: gauge(
    "Events in the log that a subscriber has before it, over all processes; none while it cannot be measured",
    {
      subscriber: bounds.subscriber,
    },
  ),
  comptoir_event_feeds: gauge("Shares of the log that this process delivers to a subscriber", {
    subscriber: bounds.subscriber,
  }),
  comptoir_event_log_buffered: gauge("Events in this process's memory: out (to be written), in (not yet delivered)", {
    direction: bounds.few,
  }),
};

const orders = {
  comptoir_orders_placed_total: counter("Orders that were accepted", {}),
  comptoir_orders_total: counter("Orders that came to a status: CONFIRMED, REJECTED, CANCELLED, COMPLETED", {
    status: bounds.few,
  }),
  comptoir_order_rejections_total: counter("Rejected orders by the code of their rejection", { code: bounds.code }),
  comptoir_saga_steps_total: counter(
    "Attempts of saga steps: FORWARD or UNDO, and done, unknown or the code of a refusal",
    { step: bounds.step, direction: bounds.few, outcome: bounds.code },
  ),
  comptoir_saga_seconds: histogram(
    "From an order's placing to its final status: CONFIRMED, REJECTED",
    { status: bounds.few },
    sagaSeconds,
  ),
  comptoir_sagas_running: gauge("Sagas that this process runs", {}),
  comptoir_orders_in_work: gauge(
    "Orders that this process has let in and not ended, without those that wait for the payment provider",
    {},
  ),
  comptoir_orders_in_work_bound: gauge(
    "How many may be in work before this process refuses new ones: 512 or more; in an overload what ends in time, at least 24",
    {},
  ),
  comptoir_saga_oldest_seconds: gauge("Age of the oldest order that is still PENDING; 0 when there is none", {}),
  comptoir_saga_takeovers_total: counter("Sagas taken over from a process that left them", {}),
};

const business = {
  products_viewed_total: counter("Views of a product; all that are not shown are in `other`", { sku: bounds.sku }),
  product_catalog_size: gauge("Products in the catalogue, over all processes", {}),
  comptoir_stock_available: gauge(
    "Units that can be sold of the SKUs with the least of them; as of the last walk over all items, 100 a second",
    { sku: bounds.lowSku },
  ),
  comptoir_stock_items: gauge("SKUs by what is available of them: out, low, ok; as of the last walk over all items", {
    level: bounds.few,
  }),
  comptoir_reservations_expired_total: counter("Reservations that ended because nobody committed them", {}),
  comptoir_revenue_minor_total: counter("Captured payments, in minor units", { currency: bounds.currency }),
  comptoir_refunds_minor_total: counter("Refunds, in minor units", { currency: bounds.currency }),
  comptoir_payments_total: counter("Payments that were captured, declined or voided", { outcome: bounds.few }),
  comptoir_invoices_total: counter("Documents that were numbered: INVOICE, CREDIT_NOTE", { type: bounds.few }),
  comptoir_mails_total: counter("Mails: sent, failed (will be tried again), dead", { outcome: bounds.few }),
  comptoir_logins_total: counter("Logins: ok, refused", { outcome: bounds.few }),
};

const audit = {
  comptoir_audit_violations: gauge("Open findings", { check: bounds.check }),
  comptoir_audit_objects: gauge("Objects looked at in the last run", { check: bounds.check }),
  comptoir_audit_duration_seconds: gauge("How long the last run took", { check: bounds.check }),
  comptoir_audit_failed: gauge("1 when the last attempt of a check did not come to its end", { check: bounds.check }),
  comptoir_audit_last_run_timestamp_seconds: gauge("When the last run ended; its age is time() minus this", {
    check: bounds.check,
  }),
};

/** By moleculer-prometheus, in the process of the `metrics` service. */
const topology = {
  moleculer_nodes_total: gauge("Nodes that are there", {}),
  moleculer_services_total: gauge("Services of the cluster", {}),
  moleculer_actions_total: gauge("Actions of the cluster", {}),
  moleculer_events_total: gauge("Moleculer events that somebody listens to", {}),
  moleculer_nodes: gauge("1 for a node that is there, 0 for one that is missed", {
    nodeID: bounds.node,
    type: bounds.few,
    version: bounds.few,
    langVersion: bounds.few,
  }),
  moleculer_action_endpoints_total: gauge("Nodes that have an action", { action: bounds.action }),
  moleculer_service_endpoints_total: gauge("Nodes that have a service", {
    service: bounds.service,
    version: bounds.few,
  }),
  moleculer_event_endpoints_total: gauge("Nodes that listen to a Moleculer event", {
    event: bounds.event,
    group: bounds.service,
  }),
};

/** By their part of the shop. */
export const groups = { gateway, node, traces, stores, eventLog, orders, business, audit, topology } as const;

export const catalogue = {
  ...gateway,
  ...node,
  ...traces,
  ...stores,
  ...eventLog,
  ...orders,
  ...business,
  ...audit,
  ...topology,
};

export type MetricName = keyof typeof catalogue;
