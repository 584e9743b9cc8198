// W3C Trace Context: one line that names a trace, the span within it, and whether it is sampled. It travels in ctx.meta,
// in events, in Kafka's headers and in HTTP.
import { TraceFlags, type SpanContext } from "@opentelemetry/api";

/** Version 00; later versions may append to it. No part may be all zeros, and version ff does not exist. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Undefined for anything that is none: it comes from outside. */
export function parse(given: unknown): SpanContext | undefined {
  if (typeof given !== "string" || given.length > 512) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(given) ?? [];
  if (version === undefined || (version === "00" && more !== undefined)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED };
}

/** @param isSampled whether the trace is one of those that are kept. */
export const format = (traceId: string, spanId: string, isSampled: boolean): string =>
  `00-${traceId}-${spanId}-0${isSampled ? "1" : "0"}`;

/** Of a text that `format` has made. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const isSampled = (traceparent: string): boolean => traceparent.endsWith("1");
/** For exemplars: of a trace that is sampled, so that whoever follows it finds something. */
export const sampledIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent !== undefined && isSampled(traceparent) ? traceIdOf(traceparent) : undefined;

/** Looked up: each request makes several ids, and padding numbers takes four times as long. */
const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const byteOf = (word: number, shift: number): string => bytes[(word >>> shift) & 0xff] ?? "";
function word(): string {
  const random = (Math.random() * 2 ** 32) >>> 0;
  return byteOf(random, 24) + byteOf(random, 16) + byteOf(random, 8) + byteOf(random, 0);
}

/** Names, not secrets: Math.random, as OpenTelemetry makes them; never all zeros. */
export function freshSpanId(): string {
  const id = word() + word();
  return /^0+$/.test(id) ? freshSpanId() : id;
}

export const freshTraceId = (): string => freshSpanId() + freshSpanId();

/** A trace that nobody records has a name too. */
export const freshTraceparent = (): string => format(freshTraceId(), freshSpanId(), false);
