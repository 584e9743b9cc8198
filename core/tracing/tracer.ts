// Spans of this process. While nobody records (the default) none is made, and each of these costs a comparison.
import { SpanKind, TraceFlags } from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import { codeOf } from "../errors.ts";
import { catalogue, type ErrorCode } from "../kernel/errors.ts";
import { currentScope, inScope, type Scope } from "./scope.ts";
import { Span, type Parent, type SpanDetails, type Trace } from "./span.ts";
import { freshTraceId, freshTraceparent, parse } from "./traceparent.ts";

export { SpanKind };

export interface Recorder {
  /** Whether a trace that begins here is one of those that are kept. */
  readonly samples: (traceId: string) => boolean;
  readonly ended: (span: Span) => void;
}
let recorder: Recorder | null = null;

/** @param next null: nobody records any more. */
export function record(next: Recorder | null): void {
  recorder = next;
}
export const isRecording = (): boolean => recorder !== null;

export interface SpanOptions extends SpanDetails {
  /** A traceparent from elsewhere, or null for a trace of its own; the span that runs here when left out. */
  readonly parent?: string | null;
}

/**
 * A span of this process is known as one: the sampling of what is slow or fails looks at its local root. What begins after
 * it has ended is a local root of its own.
 */
function parentOf(given: string | null | undefined): Parent | null {
  if (given === null) return null;
  const scope = currentScope();
  const traceparent = given ?? scope?.traceparent;
  if (traceparent === undefined) return null;
  if (scope?.span != null && scope.traceparent === traceparent && !scope.span.hasEnded) return scope.span;
  const context = parse(traceparent);
  return context === undefined ? null : { ...context, isRemote: true };
}

function traceOf(parent: Parent | null, samples: Recorder["samples"]): Trace {
  if (parent instanceof Span) return parent;
  if (parent !== null) return { traceId: parent.traceId, isSampled: (parent.traceFlags & TraceFlags.SAMPLED) !== 0 };
  const traceId = freshTraceId();
  return { traceId, isSampled: samples(traceId) };
}

/** Null while nobody records. */
export function startSpan(options: SpanOptions): Span | null {
  if (recorder === null) return null;
  const parent = parentOf(options.parent);
  return new Span(options, traceOf(parent, recorder.samples), parent, recorder.ended);
}

/** The catalogue's code, Moleculer's type, or the class: nothing that quotes what was sent. */
export function errorTypeOf(error: unknown): string {
  const { type, name } = (error ?? {}) as { type?: unknown; name?: unknown };
  if (typeof type === "string" && /^\w{1,60}$/.test(type)) return codeOf(error) ?? type;
  return typeof name === "string" ? name : "unknown";
}

/**
 * A refusal is an answer; a fault is what speaks against us: what has no code of ours, or one of the 500s. To take no more
 * orders than can be placed is an answer: hundreds a second then would be made spans and sent.
 */
export const isFaultCode = (code: ErrorCode): boolean => catalogue[code].status >= 500 && code !== "OVERLOADED";

export function isFault(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || isFaultCode(code);
}

/** @param error of what failed; left out when it went well. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) span.set(ATTR_ERROR_TYPE, errorTypeOf(error));
  span.end(error !== undefined && isFault(error));
}

async function untilSettled<T>(span: Span, running: T): Promise<Awaited<T>> {
  try {
    const result = await running;
    endSpan(span);
    return result;
  } catch (error) {
    endSpan(span, error ?? new Error("unknown"));
    throw error;
  }
}

type Own = Partial<Pick<Scope, "requestId" | "action" | "params">>;

/**
 * Runs within a span, and within its scope; without a recorder only within the scope, whose trace then is the parent's,
 * if there is one.
 * @param own what the scope knows besides.
 */
export function traced<T>(options: SpanOptions, run: () => Promise<T>, own: Own = {}): Promise<T> {
  const scope = currentScope();
  const span = startSpan(options);
  const inherited = options.parent === undefined ? scope?.traceparent : options.parent;
  if (span === null && inherited === undefined) return run();
  const traceparent = span === null ? (inherited ?? freshTraceparent()) : span.traceparent;
  const base = options.parent === undefined ? scope : undefined;
  const running = inScope({ requestId: null, ...base, ...own, span, traceparent }, run);
  return span === null ? running : untilSettled(span, running);
}

/** Like `traced`, but a child only: where nothing runs that is traced, or nobody records, it costs nothing. */
export function tracedWithin<T>(options: () => SpanOptions, run: () => Promise<T>): Promise<T> {
  const span = recorder === null || currentScope()?.span == null ? null : startSpan(options());
  return span === null ? run() : untilSettled(span, run());
}
