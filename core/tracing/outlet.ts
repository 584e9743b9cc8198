// The way out of the process: a bounded queue, batches, and a count of what was sent and what was given up. Whoever
// ends a span never waits for it.
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import { counter } from "../metrics/registry.ts";
import { inScope } from "./scope.ts";

const exported = counter("comptoir_spans_exported_total");
const dropped = counter("comptoir_spans_dropped_total");

export interface Limits {
  /** Spans that wait to be sent. */
  readonly queue: number;
  readonly batch: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
}
export const limits: Limits = { queue: 4_096, batch: 512, delayMs: 1_000, timeoutMs: 5_000 };

/** A receiver that never answers must not pile up requests. */
const MOST_FLYING = 4;

export interface OutletOptions extends Partial<Limits> {
  readonly exporter: SpanExporter;
  /** Null: well again. Told when it changes. */
  readonly onChange: (problem: string | null) => void;
}

export class Outlet {
  readonly #exporter: SpanExporter;
  readonly #onChange: OutletOptions["onChange"];
  readonly #batches: BatchSpanProcessor;
  readonly #limits: Limits;
  readonly #exported = exported.labels();
  readonly #failed = dropped.labels({ reason: "failed" });
  readonly #refused = dropped.labels({ reason: "queue" });
  readonly #held = dropped.labels({ reason: "held" });
  #waiting = 0;
  #flying = 0;
  #isAway = false;

  constructor({ exporter, onChange, ...own }: OutletOptions) {
    this.#exporter = exporter;
    this.#onChange = onChange;
    this.#limits = { ...limits, ...own };
    const { queue, batch, delayMs, timeoutMs } = this.#limits;
    this.#batches = new BatchSpanProcessor({
      exporter: { export: this.#export.bind(this), shutdown: () => exporter.shutdown() },
      maxQueueSize: queue,
      maxExportBatchSize: batch,
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs,
    });
  }

  /** Asked before a span is made: one for which there is no room counts as given up. */
  hasRoom(): boolean {
    if (this.#waiting < this.#limits.queue) return true;
    this.#refused.inc();
    return false;
  }

  offer(span: ReadableSpan): void {
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  givenUp(count: number): void {
    this.#held.inc(count);
  }

  /** Sends what waits. May take as long as the receiver lets it: the caller has the deadline. */
  close(): Promise<void> {
    return this.#batches.shutdown();
  }

  #export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#waiting -= spans.length;
    if (this.#flying >= MOST_FLYING) {
      this.#settle(spans.length, { code: ExportResultCode.FAILED, error: new Error("does not answer") }, done);
      return;
    }
    this.#flying += 1;
    let isSettled = false;
    const settle = (result: ExportResult): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      this.#settle(spans.length, result, done);
    };
    const timer = setTimeout(() => {
      settle({ code: ExportResultCode.FAILED, error: new Error("did not answer in time") });
    }, this.#limits.timeoutMs).unref();
    this.#exporter.export(spans, result => {
      this.#flying -= 1;
      settle(result);
    });
  }

  #settle(count: number, result: ExportResult, done: (result: ExportResult) => void): void {
    const isGood = result.code === ExportResultCode.SUCCESS;
    (isGood ? this.#exported : this.#failed).inc(count);
    if (isGood === this.#isAway) {
      this.#isAway = !isGood;
      // Not in the trace of whoever happened to fill the batch.
      inScope(undefined, () => {
        this.#onChange(isGood ? null : (result.error?.message ?? "refused"));
      });
    }
    done(result);
  }
}
