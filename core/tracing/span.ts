// A span as a note of this process. Most are thrown away when their request has gone well; of one that leaves, OpenTelemetry's
// SDK makes a span then (sdk-spans.ts), which costs many times what the note did.
import type { Attributes, SpanContext, SpanKind } from "@opentelemetry/api";
import { format, freshSpanId } from "./traceparent.ts";

/** What one local root and its children in this process did, as long as nobody knows whether it leaves. */
export interface LocalTrace {
  readonly held: Span[];
  failed: boolean;
  /** Null until the root has ended. */
  kept: boolean | null;
}

export interface Trace {
  readonly traceId: string;
  /** Whether it is one of those that are kept whatever becomes of them. */
  readonly isSampled: boolean;
}

/** A span of this process, or one elsewhere. */
export type Parent = Span | SpanContext;

export interface SpanDetails {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** Traceparents of what this has to do with besides. */
  readonly links?: readonly string[];
  /** As performance.now() tells it, for what has begun before. */
  readonly begun?: number;
}

export class Span {
  readonly traceId: string;
  readonly id = freshSpanId();
  readonly isSampled: boolean;
  readonly traceparent: string;
  readonly kind: SpanKind;
  readonly parent: Parent | null;
  readonly links: readonly string[];
  readonly local: LocalTrace;
  /** Whole milliseconds since the epoch: Zipkin refuses a batch in which one has a fraction of a microsecond. */
  readonly startTime: number;
  readonly #begun: number;
  readonly #onEnd: (span: Span) => void;
  readonly #given: Attributes;
  #failed = false;
  #found: Attributes | null = null;
  #name: string;
  #duration: number | null = null;

  constructor(details: SpanDetails, trace: Trace, parent: Parent | null, onEnd: (span: Span) => void) {
    const now = performance.now();
    const { name, kind, attributes, links = [], begun = now } = details;
    this.#name = name;
    this.#given = attributes;
    this.#begun = begun;
    this.#onEnd = onEnd;
    this.kind = kind;
    this.links = links;
    this.parent = parent;
    this.startTime = Math.round(Date.now() - (now - begun));
    this.traceId = trace.traceId;
    this.isSampled = trace.isSampled;
    this.traceparent = format(this.traceId, this.id, this.isSampled);
    this.local = parent instanceof Span ? parent.local : { held: [], failed: false, kept: null };
  }

  get name(): string {
    return this.#name;
  }
  get attributes(): Attributes {
    return this.#found === null ? this.#given : { ...this.#given, ...this.#found };
  }
  get isLocalRoot(): boolean {
    return !(this.parent instanceof Span);
  }
  get hasEnded(): boolean {
    return this.#duration !== null;
  }
  get hasFailed(): boolean {
    return this.#failed;
  }
  /** Milliseconds; so far, while it is open. */
  get duration(): number {
    return this.#duration ?? performance.now() - this.#begun;
  }

  rename(name: string): void {
    this.#name = name;
  }

  set(key: string, value: string | number): void {
    this.#found ??= {};
    this.#found[key] = value;
  }

  /** Once; a second end is none. @param at as performance.now() tells it. */
  end(isFailed = false, at = performance.now()): void {
    if (this.#duration !== null) return;
    this.#duration = Math.max(0, at - this.#begun);
    this.#failed = isFailed;
    this.#onEnd(this);
  }
}
