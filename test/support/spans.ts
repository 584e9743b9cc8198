// What the process says of the spans that it sent and gave up.
import { scrapeHere, valueOf, type ScrapedSeries } from "./scrape.ts";

export interface SpanCounts {
  readonly exported: number;
  readonly queue: number;
  readonly failed: number;
  readonly held: number;
}

function countsIn(series: readonly ScrapedSeries[]): SpanCounts {
  const dropped = (reason: string): number => valueOf(series, "comptoir_spans_dropped_total", { reason }) ?? 0;
  return {
    exported: valueOf(series, "comptoir_spans_exported_total") ?? 0,
    queue: dropped("queue"),
    failed: dropped("failed"),
    held: dropped("held"),
  };
}

/** @returns what has been counted since this call */
export async function countSpans(): Promise<() => Promise<SpanCounts>> {
  const before = countsIn(await scrapeHere());
  return async () => {
    const now = countsIn(await scrapeHere());
    return {
      exported: now.exported - before.exported,
      queue: now.queue - before.queue,
      failed: now.failed - before.failed,
      held: now.held - before.held,
    };
  };
}
