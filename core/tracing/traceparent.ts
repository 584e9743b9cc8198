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

export const format = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${String(traceFlags & TraceFlags.SAMPLED)}`;

/** Of a text that `format` has made. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const isSampled = (traceparent: string): boolean => traceparent.endsWith("1");

const word = (): string => ((Math.random() * 2 ** 32) >>> 0).toString(16).padStart(8, "0");

/** Names, not secrets: 128 bits of Math.random, as OpenTelemetry makes them. A trace that nobody records has a name too. */
export function freshTraceparent(): string {
  const [trace, span] = [word() + word() + word() + word(), word() + word()];
  return parse(`00-${trace}-${span}-00`) === undefined ? freshTraceparent() : `00-${trace}-${span}-00`;
}
