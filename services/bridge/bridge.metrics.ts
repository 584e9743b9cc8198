// The bridge's numbers for Prometheus.
import { Counter } from "prom-client";

export const appended = new Counter({
  name: "comptoir_events_appended_total",
  help: "Events written to the log",
  labelNames: ["type"],
});
export const delivered = new Counter({
  name: "comptoir_events_delivered_total",
  help: "Events that a subscriber has taken",
  labelNames: ["subscriber"],
});
export const deadLetters = new Counter({
  name: "comptoir_dead_letters_total",
  help: "Events that went to a subscriber's dead letters, those parked behind another included",
  labelNames: ["subscriber"],
});
