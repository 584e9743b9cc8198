import { beforeEach, describe, expect, it } from "@jest/globals";
import { TraceFlags } from "@opentelemetry/api";
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { TracerProvider, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import { Outlet } from "../../../core/tracing/outlet.ts";
import { currentScope, inScope, type Scope } from "../../../core/tracing/scope.ts";
import { freshTraceparent } from "../../../core/tracing/traceparent.ts";
import { countSpans, type SpanCounts } from "../../support/spans.ts";
import { until } from "../../support/until.ts";

type Done = (result: ExportResult) => void;

function spans(count: number): ReadableSpan[] {
  const made: ReadableSpan[] = [];
  const collect = {
    onStart: () => undefined,
    onEnd: (span: ReadableSpan) => made.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const tracer = new TracerProvider({ spanProcessors: [collect] }).getTracer("test");
  for (let index = 0; index < count; index += 1) tracer.startSpan(String(index)).end();
  expect(new Set(made.map(span => span.spanContext().traceFlags))).toEqual(new Set([TraceFlags.SAMPLED]));
  return made;
}

function outletTo(take: (batch: readonly ReadableSpan[], done: Done) => void) {
  const told: (string | null)[] = [];
  const exporter: SpanExporter = { export: take, shutdown: () => Promise.resolve() };
  const limits = { queue: 20, batch: 5, delayMs: 1, timeoutMs: 20 };
  const outlet = new Outlet({ exporter, onChange: problem => told.push(problem), ...limits });
  return { outlet, told };
}

/** Since the test began. */
let counted: () => Promise<SpanCounts>;
beforeEach(async () => {
  counted = await countSpans();
});

const good: ExportResult = { code: ExportResultCode.SUCCESS };
const bad: ExportResult = { code: ExportResultCode.FAILED, error: new Error("refused") };

describe("The way out of a process for spans", () => {
  it("sends them in batches and counts them", async () => {
    const sizes: number[] = [];
    const { outlet } = outletTo((batch, done) => {
      sizes.push(batch.length);
      done(good);
    });
    for (const span of spans(12)) if (outlet.hasRoom()) outlet.offer(span);
    await until(async () => (await counted()).exported === 12);
    expect(Math.max(...sizes)).toBe(5);
    expect(await counted()).toEqual({ exported: 12, queue: 0, failed: 0, held: 0 });
  });

  it("tells of a receiver that is away outside of the trace whose span it happened to send", async () => {
    const scopes: (Scope | undefined)[] = [];
    const outlet = new Outlet({
      exporter: {
        export: (_batch, done) => {
          done(bad);
        },
        shutdown: () => Promise.resolve(),
      },
      onChange: () => scopes.push(currentScope()),
      delayMs: 1,
    });
    const scope = { traceparent: freshTraceparent(), requestId: null, span: null };
    inScope(scope, () => {
      for (const span of spans(1)) outlet.offer(span);
    });
    await until(() => Promise.resolve(scopes.length > 0));
    expect(scopes).toEqual([undefined]);
  });

  it("keeps no more than its queue while a receiver does not answer, and counts what it gave up", async () => {
    const { outlet } = outletTo(() => undefined);
    for (const span of spans(100)) if (outlet.hasRoom()) outlet.offer(span);
    // One batch is on its way at once; behind it the queue is full.
    await until(async () => (await counted()).failed === 25);
    outlet.givenUp(3);
    expect(await counted()).toEqual({ exported: 0, queue: 75, failed: 25, held: 3 });
  });

  it("does not pile up requests at a receiver that never answers", async () => {
    let requests = 0;
    const { outlet } = outletTo(() => {
      requests += 1;
    });
    for (let round = 1; round <= 10; round += 1) {
      for (const span of spans(5)) if (outlet.hasRoom()) outlet.offer(span);
      await until(async () => (await counted()).failed === round * 5);
    }
    expect(requests).toBe(4);
  });

  it("says once that the receiver is away, and once that it is back", async () => {
    let result = bad;
    const { outlet, told } = outletTo((_batch, done) => {
      done(result);
    });
    for (const span of spans(10)) if (outlet.hasRoom()) outlet.offer(span);
    await until(async () => (await counted()).failed === 10);
    result = good;
    for (const span of spans(10)) if (outlet.hasRoom()) outlet.offer(span);
    await until(async () => (await counted()).exported === 10);
    expect(told).toEqual(["refused", null]);
  });

  it("sends what waits before it closes", async () => {
    const { outlet } = outletTo((_batch, done) => {
      done(good);
    });
    for (const span of spans(8)) if (outlet.hasRoom()) outlet.offer(span);
    await outlet.close();
    expect((await counted()).exported).toBe(8);
  });
});
