// Which spans leave the process. A sampled trace's all do, as they end. Of the others each local root keeps its spans back
// until it has ended: when one of them failed, or it took long, they leave after all.
import { SpanStatusCode, TraceFlags, type Context } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";

/** What one local root and its children in this process did. */
interface Group {
  readonly root: string;
  readonly spans: ReadableSpan[];
  failed: boolean;
  /** Null until the root has ended. */
  kept: boolean | null;
}

export interface KeepOptions {
  /** In milliseconds. */
  readonly slowMs: number;
  readonly offer: (span: ReadableSpan) => void;
  /** Spans that were given up because too many were open or held back. */
  readonly onDropped: (count: number) => void;
}

/** Held back by all groups together, about 1 kB each; and open ones of which is known to whom they belong. */
const MOST_HELD = 10_000;
const MOST_OPEN = 20_000;

const isSampled = (span: ReadableSpan): boolean => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
const millisecondsOf = ({ duration: [seconds, nanoseconds] }: ReadableSpan): number =>
  seconds * 1_000 + nanoseconds / 1e6;

/** Exporters look at the flag. */
function asSampled(span: ReadableSpan): ReadableSpan {
  const context = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED };
  return Object.create(span, { spanContext: { value: () => context } }) as ReadableSpan;
}

export class KeptSpans implements SpanProcessor {
  readonly #options: KeepOptions;
  readonly #open = new Map<string, Group>();
  #held = 0;

  constructor(options: KeepOptions) {
    this.#options = options;
  }

  onStart(span: Span, _parentContext: Context): void {
    if (isSampled(span) || this.#open.size >= MOST_OPEN) return;
    const { spanId } = span.spanContext();
    const parent = span.parentSpanContext;
    const own = parent === undefined || parent.isRemote === true ? undefined : this.#open.get(parent.spanId);
    this.#open.set(spanId, own ?? { root: spanId, spans: [], failed: false, kept: null });
  }

  onEnd(span: ReadableSpan): void {
    if (isSampled(span)) {
      this.#options.offer(span);
      return;
    }
    const { spanId } = span.spanContext();
    const group = this.#open.get(spanId);
    if (group === undefined) {
      this.#options.onDropped(1);
      return;
    }
    this.#open.delete(spanId);
    group.failed ||= span.status.code === SpanStatusCode.ERROR;
    if (group.kept !== null) this.#late(group, span);
    else {
      this.#hold(group, span);
      if (group.root === spanId) this.#decide(group, span);
    }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  /** What still runs has not failed. */
  shutdown(): Promise<void> {
    this.#open.clear();
    return Promise.resolve();
  }

  /** Work that was accepted goes on when the request has been answered. */
  #late(group: Group, span: ReadableSpan): void {
    if (group.kept === true || span.status.code === SpanStatusCode.ERROR) this.#options.offer(asSampled(span));
  }

  #hold(group: Group, span: ReadableSpan): void {
    if (this.#held >= MOST_HELD) {
      this.#options.onDropped(1);
      return;
    }
    group.spans.push(span);
    this.#held += 1;
  }

  #decide(group: Group, root: ReadableSpan): void {
    this.#held -= group.spans.length;
    group.kept = group.failed || millisecondsOf(root) > this.#options.slowMs;
    const spans = group.spans.splice(0);
    if (group.kept) for (const span of spans) this.#options.offer(asSampled(span));
  }
}
