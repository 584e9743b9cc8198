// The bridge's numbers for Prometheus.
import { counter, gauge, histogram } from "../../core/metrics/registry.ts";

export const appended = counter("comptoir_events_appended_total");
export const appendSeconds = histogram("comptoir_events_append_seconds").labels();
export const appendFailures = counter("comptoir_events_append_failures_total").labels();
export const sendFailures = counter("comptoir_event_log_send_failures_total").labels();
export const delivered = counter("comptoir_events_delivered_total");
export const deliverySeconds = histogram("comptoir_event_delivery_seconds");
export const buried = counter("comptoir_dead_letters_total");
export const waitingLetters = gauge("comptoir_dead_letters_waiting");
export const lag = gauge("comptoir_events_lag");
export const feeds = gauge("comptoir_event_feeds");
export const buffered = gauge("comptoir_event_log_buffered");
