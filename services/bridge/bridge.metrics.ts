// The bridge's numbers for Prometheus.
import { Counter, Gauge, Histogram } from "prom-client";

export const appended = new Counter({
  name: "comptoir_events_appended_total",
  help: "Events written to the log",
  labelNames: ["type"],
});
export const appendSeconds = new Histogram({
  name: "comptoir_events_append_seconds",
  help: "From an append's begin to the log's acknowledgement",
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});
export const appendFailures = new Counter({
  name: "comptoir_events_append_failures_total",
  help: "Appends that the log did not acknowledge; the relays keep their events and come again",
});
export const sendFailures = new Counter({
  name: "comptoir_event_log_send_failures_total",
  help: "Sends to the log's servers that failed or hung and are repeated",
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
export const lag = new Gauge({
  name: "comptoir_events_lag",
  help: "Events in the log that a subscriber has before it, over all processes",
  labelNames: ["subscriber"],
});
export const feeds = new Gauge({
  name: "comptoir_event_feeds",
  help: "Shares of the log that this process delivers to a subscriber",
  labelNames: ["subscriber"],
});
export const buffered = new Gauge({
  name: "comptoir_event_log_buffered",
  help: "Events in this process's memory: those to be written, and those fetched and not yet delivered",
  labelNames: ["direction"],
});
