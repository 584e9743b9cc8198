// Orders under way and events under way: where they wait, and for what.
import { TextBoxVariableBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard } from "./library/links.ts";
import { anyIsBad, bars, graph, number, rising, stack } from "./library/panels.ts";
import { inRange, isNot, metric, ofAll, orNone, orZero, over, perSecond, quantile } from "./library/promql.ts";
import { glance, logsOfOrder } from "./sagas-numbers.ts";

/** Which one an operator follows into the logs; each line there leads to its trace. */
const order = new TextBoxVariableBuilder("order").label("Order id");

const sagas = [
  stack({
    title: "Steps that were done",
    says: "Attempts of saga steps per second that came to their end.",
    good: "FORWARD steps follow the orders; UNDO only for rejected ones.",
    otherwise: "UNDO grows: orders turn. The next panel says at which step and why.",
    unit: units.OpsPerSecond,
    queries: [
      {
        expr: perSecond("comptoir_saga_steps_total", ["direction", "step"], { outcome: "done" }),
        legend: "{{direction}} {{step}}",
      },
    ],
  }),
  graph({
    title: "Steps that were not",
    says: "Attempts that were refused (the code says why) or whose outcome is unknown and which are made again.",
    good: "Refusals are answers of the business; unknown stays at 0.",
    otherwise:
      "unknown: the service of that step does not answer in time. The order waits and is asked again with its key.",
    unit: units.OpsPerSecond,
    links: [toBoard("Service", "service")],
    queries: [
      {
        expr: orNone(perSecond("comptoir_saga_steps_total", ["step", "outcome"], { outcome: isNot("done") }), "step"),
        legend: "{{step}} {{outcome}}",
      },
    ],
  }),
  graph({
    title: "From placing to the end, by status",
    says: "How long orders take. Dots are traces: a click opens one.",
    good: "CONFIRMED p95 below half a second.",
    otherwise: "Look which step is slow: a trace shows all of them under one another.",
    unit: units.Seconds,
    limits: rising(1, 15),
    queries: [0.5, 0.95, 0.99].map(q => ({
      expr: quantile(q, "comptoir_saga_seconds", ["status"]),
      legend: `{{status}} p${String(q * 100)}`,
      exemplars: true,
    })),
  }),
  graph({
    title: "Taken over, and oldest",
    says: "Sagas that were taken over from a process that left them, and the age of the oldest pending order.",
    good: "Takeovers only when processes die or stop.",
    otherwise:
      "Takeovers without restarts: processes are too slow to keep their lease (COMPTOIR_SAGA_LEASE). Look at their event loops.",
    unit: units.Short,
    links: [toBoard("Infrastructure", "infrastructure")],
    queries: [
      { expr: orZero(`${perSecond("comptoir_saga_takeovers_total")} * 60`), legend: "taken over per minute" },
      { expr: orZero(ofAll("comptoir_saga_oldest_seconds")), legend: "oldest, in seconds" },
    ],
  }),
];

const outboxes = [
  graph({
    title: "Events in outboxes",
    says: "Events that are stored with their document and not yet in the log.",
    good: "Returns to 0 after each burst.",
    otherwise: "All climb: the bridge or the log is away. One climbs: that service's relay, or a parked aggregate.",
    unit: units.Short,
    width: 8,
    queries: [{ expr: ofAll("comptoir_outbox_events", ["database"]), legend: "{{database}}" }],
  }),
  graph({
    title: "Age of the oldest in each outbox",
    says: "How long the oldest event of each service has waited.",
    good: "Below a second.",
    otherwise: "Minutes with a short outbox: a parked aggregate. Minutes with a long one: the log.",
    unit: units.Seconds,
    width: 8,
    limits: rising(10, 60),
    queries: [{ expr: ofAll("comptoir_outbox_oldest_seconds", ["database"]), legend: "{{database}}" }],
  }),
  graph({
    title: "Aggregates that stand still, by service",
    says: "Aggregates whose next event the log refuses.",
    good: "All at 0.",
    otherwise: "The relay's log line names the event and the reason.",
    unit: units.Short,
    width: 8,
    limits: anyIsBad,
    queries: [{ expr: ofAll("comptoir_outbox_parked", ["database"]), legend: "{{database}}" }],
  }),
];

const log = [
  stack({
    title: "Events appended, by type",
    says: "Events written to the log per second.",
    good: "Follows what happens in the shop.",
    otherwise: "0 while outboxes fill: the log refuses or is away; failures beside it.",
    unit: units.EventsPerSecond,
    width: 8,
    queries: [{ expr: perSecond("comptoir_events_appended_total", ["type"]), legend: "{{type}}" }],
  }),
  graph({
    title: "Appends that failed",
    says: "Appends that the log did not acknowledge, and sends to its servers that are repeated.",
    good: "0.",
    otherwise: "They last: Kafka is away or too few of its replicas are in sync. Everything comes again by itself.",
    unit: units.OpsPerSecond,
    width: 8,
    queries: [
      { expr: orZero(perSecond("comptoir_events_append_failures_total")), legend: "appends" },
      { expr: orZero(perSecond("comptoir_event_log_send_failures_total")), legend: "sends repeated" },
    ],
  }),
  graph({
    title: "Append latency",
    says: "From an append's begin to the log's acknowledgement. Dots are traces.",
    good: "p99 below 50 ms.",
    otherwise: "The log's disk or network is slow, or its replicas are.",
    unit: units.Seconds,
    width: 8,
    limits: rising(0.25, 1),
    queries: [0.5, 0.95, 0.99].map(q => ({
      expr: quantile(q, "comptoir_events_append_seconds"),
      legend: `p${String(q * 100)}`,
      exemplars: true,
    })),
  }),
];

const delivery = [
  graph({
    title: "Lag",
    says: "Events in the log that each subscriber has before it.",
    good: "Near 0.",
    otherwise: "One climbs: start more nodes of it, or look why it refuses. All climb: the bridge.",
    unit: units.Short,
    limits: rising(1_000, 10_000),
    queries: [{ expr: ofAll("comptoir_events_lag", ["subscriber"]), legend: "{{subscriber}}" }],
  }),
  graph({
    title: "From event to acknowledgement, p95",
    says: "From an event's moment until its subscriber has taken it. Dots are traces.",
    good: "Below a second.",
    otherwise: "With a lag: the subscriber. Without one: the events were late in the outbox.",
    unit: units.Seconds,
    limits: rising(5, 60),
    queries: [
      {
        expr: quantile(0.95, "comptoir_event_delivery_seconds", ["subscriber"]),
        legend: "{{subscriber}}",
        exemplars: true,
      },
    ],
  }),
  stack({
    title: "Events taken",
    says: "Events that each subscriber has acknowledged, per second.",
    good: "Follows what is appended.",
    otherwise: "One at 0 with a lag: it hangs or refuses. Its dead letters and its log say why.",
    unit: units.EventsPerSecond,
    width: 8,
    queries: [{ expr: perSecond("comptoir_events_delivered_total", ["subscriber"]), legend: "{{subscriber}}" }],
  }),
  bars({
    title: "New dead letters",
    says: "Events that went to the dead letters within the time shown.",
    good: "None.",
    otherwise:
      "`npm run events -- dead-letters` shows each with its error. Later events of its aggregate wait behind it, in order.",
    unit: units.Short,
    width: 8,
    limits: anyIsBad,
    queries: [
      { expr: orNone(inRange("comptoir_dead_letters_total", ["subscriber"]), "subscriber"), legend: "{{subscriber}}" },
    ],
  }),
  graph({
    title: "Shares of the log, and what is in memory",
    says: "Shares of the log that all bridges deliver, and events in their memory.",
    good: "The shares are constant: each belongs to one bridge. Memory returns to 0.",
    otherwise:
      "Fewer shares: a bridge has gone and its session has not ended yet (10 s). Memory full: subscribers are slow.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: over("sum", metric("comptoir_event_feeds"), ["subscriber"]), legend: "shares of {{subscriber}}" },
      {
        expr: orNone(over("sum", metric("comptoir_event_log_buffered"), ["direction"]), "direction"),
        legend: "in memory: {{direction}}",
      },
    ],
  }),
];

export const sagasBoard = () =>
  board({
    board: "sagas",
    title: "Sagas & Events",
    answers: "Which orders and which events wait, where, and for what?",
    variables: [order],
    links: [logsOfOrder],
    sections: [
      { title: "Does anything wait?", panels: glance.map(number) },
      { title: "Sagas", panels: sagas },
      { title: "Outboxes: from a service to the log", panels: outboxes },
      { title: "The log", panels: log },
      { title: "Delivery: from the log to its subscribers", panels: delivery },
    ],
  });
