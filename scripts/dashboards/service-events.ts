// A part of Service: the events that it takes.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { graph } from "./library/panels.ts";
import { ofAll, orZero, perSecond, quantile } from "./library/promql.ts";

const subscriber = { subscriber: "$service" };
export const events = [
  graph({
    title: "Events taken",
    says: "Events that were delivered to it and acknowledged. Services that subscribe to nothing have none.",
    good: "Follows what happens in the shop.",
    otherwise: "0 with a lag beside it: it refuses or hangs. Look at its dead letters and its logs.",
    unit: units.EventsPerSecond,
    width: 8,
    queries: [{ expr: orZero(perSecond("comptoir_events_delivered_total", [], subscriber)), legend: "taken" }],
  }),
  graph({
    title: "From event to acknowledgement",
    says: "From an event's moment until this service has taken it. Dots are traces.",
    good: "p95 below a second.",
    otherwise:
      "Lag beside it: it is too slow for what comes; start more nodes of it. No lag: events were late in the outbox.",
    unit: units.Seconds,
    width: 8,
    queries: [0.5, 0.95].map(q => ({
      expr: orZero(quantile(q, "comptoir_event_delivery_seconds", [], subscriber)),
      legend: `p${String(q * 100)}`,
      exemplars: true,
    })),
  }),
  graph({
    title: "Behind, and dead letters",
    says: "Events that it has before it, and those that it refused for good.",
    good: "Lag near 0, no dead letters. Nothing: it takes no events, or they cannot be counted.",
    otherwise: "`npm run events -- dead-letters $service` shows them with their errors.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: ofAll("comptoir_events_lag", [], subscriber), legend: "lag" },
      { expr: ofAll("comptoir_dead_letters_waiting", [], subscriber), legend: "dead letters" },
    ],
  }),
];
