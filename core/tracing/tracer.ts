// Spans of this process. While nobody records (the default) none is made, and each of these costs a comparison.
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import { codeOf } from "../errors.ts";
import { catalogue } from "../kernel/errors.ts";
import { currentScope, inScope, type Scope } from "./scope.ts";
import { format, freshTraceparent, parse } from "./traceparent.ts";

export { SpanKind };

let tracer: Tracer | null = null;

/** @param next null: nobody records any more. */
export function record(next: Tracer | null): void {
  tracer = next;
}
export const isRecording = (): boolean => tracer !== null;

export interface SpanOptions {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** A traceparent from elsewhere, or null for a trace of its own; the span that runs here when left out. */
  readonly parent?: string | null;
  /** Traceparents of what this has to do with besides. */
  readonly links?: readonly string[];
  /** Milliseconds since the epoch, for what has begun before. */
  readonly startTime?: number;
}

function contextOf(parent: string | null | undefined): Context {
  const scope = currentScope();
  if (parent === null) return ROOT_CONTEXT;
  const traceparent = parent ?? scope?.traceparent;
  if (traceparent === undefined) return ROOT_CONTEXT;
  // A span of this process is known as one: the sampling of what is slow or fails looks at its local root.
  if (scope?.span != null && scope.traceparent === traceparent) return trace.setSpan(ROOT_CONTEXT, scope.span);
  const context = parse(traceparent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...context, isRemote: true });
}

const linkTo = (traceparent: string): Link[] => {
  const context = parse(traceparent);
  return context === undefined ? [] : [{ context }];
};

/** As many as a span keeps. */
const MOST_LINKS = 128;

/** Null while nobody records. */
export function startSpan({ name, kind, attributes, parent, links = [], startTime }: SpanOptions): Span | null {
  if (tracer === null) return null;
  const distinct = [...new Set(links)].slice(0, MOST_LINKS).flatMap(linkTo);
  const options = { kind, attributes, links: distinct, ...(startTime === undefined ? {} : { startTime }) };
  return tracer.startSpan(name, options, contextOf(parent));
}

/** The catalogue's code, Moleculer's type, or the class: nothing that quotes what was sent. */
export function errorTypeOf(error: unknown): string {
  const { type, name } = (error ?? {}) as { type?: unknown; name?: unknown };
  if (typeof type === "string" && /^\w{1,60}$/.test(type)) return codeOf(error) ?? type;
  return typeof name === "string" ? name : "unknown";
}

/** A refusal is an answer; a fault is what speaks against us: what has no code of ours, or one of the 500s. */
export function isFault(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || catalogue[code].status >= 500;
}

/** @param error of what failed; left out when it went well. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) {
    span.setAttribute(ATTR_ERROR_TYPE, errorTypeOf(error));
    if (isFault(error)) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
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

export const traceparentOf = (span: Span): string => format(span.spanContext());

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
  const traceparent = span === null ? (inherited ?? freshTraceparent()) : traceparentOf(span);
  const base = options.parent === undefined ? scope : undefined;
  const running = inScope({ requestId: null, ...base, ...own, span, traceparent }, run);
  return span === null ? running : untilSettled(span, running);
}

/** Like `traced`, but a child only: where nothing runs that is traced, or nobody records, it costs nothing. */
export function tracedWithin<T>(options: () => SpanOptions, run: () => Promise<T>): Promise<T> {
  const span = tracer === null || currentScope()?.span == null ? null : startSpan(options());
  return span === null ? run() : untilSettled(span, run());
}
