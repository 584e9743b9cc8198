// Which spans leave the process. A sampled trace's all do, as they end. Of the others each local root keeps its spans back
// until it has ended: when one of them failed, or it took long, they leave after all.
import type { Span } from "./span.ts";

export interface KeepOptions {
  /** In milliseconds. */
  readonly slowMs: number;
  readonly offer: (span: Span) => void;
  /** Spans that were given up because too many were held back. */
  readonly onDropped: (count: number) => void;
}

/** Held back by all local roots together. */
const MOST_HELD = 10_000;

export class KeptSpans {
  readonly #options: KeepOptions;
  #held = 0;

  constructor(options: KeepOptions) {
    this.#options = options;
  }

  ended(span: Span): void {
    const { local } = span;
    if (span.isSampled) {
      this.#options.offer(span);
    } else if (local.kept !== null) {
      // Work that was accepted goes on when the request has been answered.
      if (local.kept || span.hasFailed) this.#options.offer(span);
    } else {
      local.failed ||= span.hasFailed;
      this.#hold(span);
      if (span.isLocalRoot) this.#decide(span);
    }
  }

  #hold(span: Span): void {
    if (this.#held >= MOST_HELD) {
      this.#options.onDropped(1);
      return;
    }
    span.local.held.push(span);
    this.#held += 1;
  }

  #decide({ local, duration }: Span): void {
    const spans = local.held.splice(0);
    this.#held -= spans.length;
    local.kept = local.failed || duration > this.#options.slowMs;
    if (local.kept) spans.forEach(this.#options.offer);
  }
}
