import { beforeEach, describe, expect, it } from "@jest/globals";
import { SpanKind, SpanStatusCode, type SpanContext } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { spanMaker } from "../../../core/tracing/sdk-spans.ts";
import { Span, type Parent, type SpanDetails } from "../../../core/tracing/span.ts";
import { format, freshSpanId, freshTraceId } from "../../../core/tracing/traceparent.ts";

const traceId = freshTraceId();
const begun = performance.now();

let made: ReadableSpan[];
let make: (span: Span) => void;
beforeEach(() => {
  made = [];
  make = spanMaker(resourceFromAttributes({ "service.name": "test" }), span => made.push(span));
});

const note = (details: Partial<SpanDetails> = {}, parent: Parent | null = null, isSampled = false): Span =>
  new Span(
    { name: "work", kind: SpanKind.SERVER, attributes: { a: 1 }, begun, ...details },
    { traceId, isSampled },
    parent,
    make,
  );

describe("A span that leaves the process", () => {
  it("is the note's, marked as sampled so that exporters take it", () => {
    const span = note();
    span.rename("GET /v1/products");
    span.set("http.response.status_code", 503);
    span.end(true, begun + 12.5);
    const [only] = made;
    expect(only).toMatchObject({
      name: "GET /v1/products",
      kind: SpanKind.SERVER,
      attributes: { a: 1, "http.response.status_code": 503 },
      status: { code: SpanStatusCode.ERROR },
      links: [],
    });
    expect(only?.spanContext()).toMatchObject({ traceId, spanId: span.id, traceFlags: 1 });
    expect(only?.parentSpanContext).toBeUndefined();
    expect(only?.resource.attributes).toMatchObject({ "service.name": "test" });
    const [seconds, nanoseconds] = only?.duration ?? [NaN, NaN];
    expect(seconds * 1_000 + nanoseconds / 1e6).toBeCloseTo(12.5, 2);
  });

  it("has begun when its note did", () => {
    note({ begun: performance.now() - 2_000.000_3 }).end();
    const [seconds = 0, nanoseconds = 0] = made[0]?.startTime ?? [];
    expect(Math.abs(seconds * 1_000 + nanoseconds / 1e6 - (Date.now() - 2_000))).toBeLessThan(500);
    // Zipkin refuses fractions of a microsecond, and with them the whole batch.
    expect(nanoseconds % 1_000).toBe(0);
  });

  it("is a child of the span of this process or of another one's", () => {
    const root = note();
    const elsewhere: SpanContext = { traceId, spanId: freshSpanId(), traceFlags: 0, isRemote: true };
    note({}, root).end();
    note({}, elsewhere).end();
    expect(made.map(({ parentSpanContext }) => [parentSpanContext?.spanId, parentSpanContext?.isRemote])).toEqual([
      [root.id, undefined],
      [elsewhere.spanId, true],
    ]);
    expect(made.map(span => span.spanContext().traceId)).toEqual([traceId, traceId]);
  });

  it("is linked to what has to do with it, once each, to 128 at most and to nothing that is no trace", () => {
    const links = Array.from({ length: 150 }, () => format(freshTraceId(), freshSpanId(), true));
    note({ links: [...links.slice(0, 2), ...links.slice(0, 2), "nonsense"] }).end();
    note({ links }).end();
    expect(made.map(span => span.links.length)).toEqual([2, 128]);
    expect(made[0]?.links.map(({ context }) => format(context.traceId, context.spanId, true))).toEqual(
      links.slice(0, 2),
    );
  });

  it("keeps what was given for several spans as it was given", () => {
    const attributes = Object.freeze({ a: 1 });
    const [one, other] = [note({ attributes }), note({ attributes })];
    one.set("b", 2);
    one.end();
    other.end();
    expect(made.map(span => ({ ...span.attributes }))).toEqual([{ a: 1, b: 2 }, { a: 1 }]);
  });
});
