// Events carry the trace of the command that made them: what becomes of one is part of that trace, in every process.
// Events travel and are taken in batches of many traces; the batch has a trace of its own, and the two are linked.
import type { Attributes } from "@opentelemetry/api";
import type { CloudEvent } from "../contracts/common.ts";
import { currentScope } from "./scope.ts";
import { endSpan, isFault, isRecording, SpanKind, startSpan, traced, type SpanOptions } from "./tracer.ts";
import { isSampled, sampledIdOf } from "./traceparent.ts";

type Traced = CloudEvent & { readonly traceparent: string };

const isTraced = (event: CloudEvent): event is Traced => event.traceparent !== undefined;

export const tracesOf = (events: readonly CloudEvent[]): string[] => events.filter(isTraced).map(e => e.traceparent);

/** For exemplars: of the first of these events whose trace is sampled. */
export function sampledTraceOf(events: readonly CloudEvent[]): string | undefined {
  for (const { traceparent } of events) {
    const id = sampledIdOf(traceparent);
    if (id !== undefined) return id;
  }
  return undefined;
}

const attributesOf = ({ id, type }: CloudEvent, operation: string): Attributes => ({
  "messaging.operation.name": operation,
  "messaging.message.id": id,
  "cloudevents.event_id": id,
  "cloudevents.event_type": type,
});

/** The span of the batch, where this process has one. */
const batchLink = (): string[] => {
  const scope = currentScope();
  return scope?.span == null ? [] : [scope.traceparent];
};

/** Of v1.<subscriber>.react, in which reactions run. */
const subscriberHere = (): string => currentScope()?.action?.split(".")[1] ?? "unknown";

/**
 * Runs a subscriber's reaction in the trace of its event, so that what it calls and makes belongs there. Events of one
 * aggregate that are taken together run in the first one's trace; the others are linked to it.
 */
export function inTraceOf<T>(events: readonly CloudEvent[], run: () => Promise<T>): Promise<T> {
  const [first, ...others] = events;
  if (first === undefined || !isTraced(first)) return run();
  const options: SpanOptions = {
    name: `process ${first.type}`,
    kind: SpanKind.CONSUMER,
    attributes: {
      ...attributesOf(first, "process"),
      "messaging.operation.type": "process",
      "messaging.consumer.group.name": subscriberHere(),
    },
    parent: first.traceparent,
    links: isRecording() ? [...batchLink(), ...tracesOf(others)] : [],
  };
  return traced(options, run, { action: `react to ${first.type}`, params: first.data });
}

/** As a span of each event's own trace; of those that are not sampled only what failed is told, for nothing ran there. */
function tellAppend(events: readonly CloudEvent[], begun: number, system: string, error: unknown): void {
  for (const event of events) {
    if (!isTraced(event) || !(isSampled(event.traceparent) || (error !== undefined && isFault(error)))) continue;
    const span = startSpan({
      name: `send ${event.type}`,
      kind: SpanKind.PRODUCER,
      attributes: {
        ...attributesOf(event, "send"),
        "messaging.operation.type": "send",
        "messaging.system": system,
      },
      parent: event.traceparent,
      links: batchLink(),
      begun,
    });
    if (span !== null) endSpan(span, error);
  }
}

/**
 * An append to the event log, told in the trace of each of its events.
 * @param system the log's, as the conventions call it.
 */
export async function tracedAppend(
  events: readonly CloudEvent[],
  system: string,
  append: () => Promise<void>,
): Promise<void> {
  if (!isRecording()) return append();
  const begun = performance.now();
  try {
    await append();
    tellAppend(events, begun, system, undefined);
  } catch (error) {
    tellAppend(events, begun, system, error ?? new Error("unknown"));
    throw error;
  }
}

/** A delivery to a subscriber: a trace of its own, linked to those of its events. */
export function tracedDelivery<T>(
  subscriber: string,
  events: readonly CloudEvent[],
  run: () => Promise<T>,
): Promise<T> {
  if (!isRecording()) return run();
  const attributes = {
    "messaging.operation.name": "deliver",
    "messaging.consumer.group.name": subscriber,
    "messaging.batch.message_count": events.length,
  };
  const links = tracesOf(events);
  return traced({ name: `deliver to ${subscriber}`, kind: SpanKind.INTERNAL, attributes, parent: null, links }, run);
}
