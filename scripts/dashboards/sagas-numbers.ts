// The row of numbers of Sagas & Events.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { toLogs } from "./library/links.ts";
import { anyIsBad, rising, type PanelSpec } from "./library/panels.ts";
import { metric, ofAll, orZero, over } from "./library/promql.ts";

export const logsOfOrder = toLogs("Logs of the order", '|= "$order"');

export const glance: PanelSpec[] = [
  {
    title: "Sagas under way",
    says: "Orders that some process is bringing to their end.",
    good: "Rises and falls with the orders.",
    otherwise: "It only rises: the steps below say which one does not come back.",
    unit: units.Short,
    queries: [{ expr: over("sum", metric("comptoir_sagas_running")), legend: "sagas" }],
  },
  {
    title: "Oldest pending order",
    says: "Age of the oldest order that is still PENDING.",
    good: "A few seconds at most.",
    otherwise: "GET /v1/orders?status=PENDING names it; put its id into the field above and follow it to its logs.",
    unit: units.Seconds,
    limits: rising(15, 60),
    links: [logsOfOrder],
    queries: [{ expr: orZero(ofAll("comptoir_saga_oldest_seconds")), legend: "oldest" }],
  },
  {
    title: "Oldest unpublished event",
    says: "Age of the oldest event in any outbox.",
    good: "Below a second.",
    otherwise: "The bridge or the log is away. Nothing is lost: it is published when they are back.",
    unit: units.Seconds,
    limits: rising(10, 60),
    queries: [{ expr: orZero(ofAll("comptoir_outbox_oldest_seconds")), legend: "oldest" }],
  },
  {
    title: "Aggregates that stand still",
    says: "Aggregates whose next event the log refuses; their later events wait behind it.",
    good: "0.",
    otherwise: "A poison event: the relay's log line names the aggregate and the log's reason. It is never skipped.",
    unit: units.Short,
    limits: anyIsBad,
    links: [toLogs("Parked events in the logs", '|= "The event log refuses"')],
    queries: [{ expr: orZero(over("sum", ofAll("comptoir_outbox_parked", ["database"]))), legend: "parked" }],
  },
  {
    title: "Events behind",
    says: "Events that the slowest subscriber has before it.",
    good: "Near 0; some hundreds under load. Nothing: it cannot be measured (LagUnknown).",
    otherwise: "The panel of lags below names the subscriber; start more nodes of it, or look why it refuses.",
    unit: units.Short,
    limits: rising(1_000, 10_000),
    queries: [{ expr: ofAll("comptoir_events_lag"), legend: "slowest" }],
  },
  {
    title: "Dead letters",
    says: "Dead letters that wait for a replay, of all subscribers.",
    good: "0. Nothing: they cannot be counted (LagUnknown).",
    otherwise: "`npm run events -- dead-letters`, mend the cause, then `npm run events -- replay SUBSCRIBER`.",
    unit: units.Short,
    limits: anyIsBad,
    queries: [{ expr: over("sum", ofAll("comptoir_dead_letters_waiting", ["subscriber"])), legend: "waiting" }],
  },
];
