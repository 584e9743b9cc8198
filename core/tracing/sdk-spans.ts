// Spans of OpenTelemetry's SDK, made of the notes that leave the process: its own limits, clean attributes and exporters.
import {
  INVALID_SPANID,
  INVALID_TRACEID,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Link,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { AlwaysOnSampler, TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { Span } from "./span.ts";
import { parse } from "./traceparent.ts";

/** As many as a span of the SDK keeps. */
const MOST_LINKS = 128;

const linkTo = (traceparent: string): Link[] => {
  const context = parse(traceparent);
  return context === undefined ? [] : [{ context }];
};
const linksOf = ({ links }: Span): Link[] => [...new Set(links)].slice(0, MOST_LINKS).flatMap(linkTo);

/** What leaves counts as sampled: exporters look at the flag, the SDK at its parent's. */
function contextOf({ parent }: Span): Context {
  if (parent === null) return ROOT_CONTEXT;
  const from = parent instanceof Span ? { traceId: parent.traceId, spanId: parent.id } : parent;
  return trace.setSpanContext(ROOT_CONTEXT, { ...from, traceFlags: TraceFlags.SAMPLED });
}

/** @returns makes the SDK's span of an ended one and hands it on. */
export function spanMaker(resource: Resource, handOn: (span: ReadableSpan) => void): (span: Span) => void {
  let ids: Pick<Span, "traceId" | "id"> = { traceId: INVALID_TRACEID, id: INVALID_SPANID };
  const provider = new TracerProvider({
    resource,
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.id },
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: handOn,
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const tracer = provider.getTracer("comptoir");
  return span => {
    ids = span;
    const { name, kind, attributes, startTime, duration, hasFailed } = span;
    const made = tracer.startSpan(name, { kind, attributes, links: linksOf(span), startTime }, contextOf(span));
    if (hasFailed) made.setStatus({ code: SpanStatusCode.ERROR });
    made.end(startTime + duration);
  };
}
