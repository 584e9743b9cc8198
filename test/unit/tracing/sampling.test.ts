import { beforeEach, describe, expect, it } from "@jest/globals";
import { ROOT_CONTEXT, SpanStatusCode, trace, type Span } from "@opentelemetry/api";
import {
  createAlwaysRecordSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace";
import { KeptSpans } from "../../../core/tracing/kept-spans.ts";

const SLOW_MS = 1_000;
const begin = Date.now();

let kept: ReadableSpan[];
let dropped: number;

const names = () => kept.map(({ name }) => name);

function tracerWith(ratio: number) {
  const keeper = new KeptSpans({
    slowMs: SLOW_MS,
    offer: span => kept.push(span),
    onDropped: count => {
      dropped += count;
    },
  });
  const root = new TraceIdRatioBasedSampler(ratio);
  const sampler = createAlwaysRecordSampler(new ParentBasedSampler({ root }));
  const tracer = new TracerProvider({ sampler, spanProcessors: [keeper] }).getTracer("test");
  const start = (name: string, parent?: Span): Span =>
    tracer.startSpan(
      name,
      { startTime: begin },
      parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
    );
  /** As a process that takes the call of another one. */
  const startAfar = (name: string, parent: Span): Span =>
    tracer.startSpan(
      name,
      { startTime: begin },
      trace.setSpanContext(ROOT_CONTEXT, { ...parent.spanContext(), isRemote: true }),
    );
  return { start, startAfar };
}

const end = (span: Span, afterMs = 1) => {
  span.end(begin + afterMs);
};
const fail = (span: Span) => {
  span.setStatus({ code: SpanStatusCode.ERROR });
  end(span);
};

beforeEach(() => {
  kept = [];
  dropped = 0;
});

describe("A sampled trace", () => {
  it("leaves span by span, as they end", () => {
    const { start } = tracerWith(1);
    const root = start("root");
    end(start("child", root));
    expect(names()).toEqual(["child"]);
    end(root);
    expect(names()).toEqual(["child", "root"]);
  });
});

describe("A trace that is not sampled", () => {
  it("leaves nothing when it went well in good time", () => {
    const { start } = tracerWith(0);
    const root = start("root");
    end(start("child", root));
    end(root, SLOW_MS);
    expect(names()).toEqual([]);
  });

  it("leaves whole when one of its spans failed, marked as sampled so that exporters take it", () => {
    const { start } = tracerWith(0);
    const root = start("root");
    fail(start("child", root));
    expect(names()).toEqual([]);
    end(root);
    expect(names()).toEqual(["child", "root"]);
    expect(kept.map(span => span.spanContext().traceFlags)).toEqual([1, 1]);
    expect(kept[0]?.parentSpanContext?.spanId).toBe(kept[1]?.spanContext().spanId);
  });

  it("leaves whole when it took long", () => {
    const { start } = tracerWith(0);
    const root = start("root");
    end(start("child", root));
    end(root, SLOW_MS + 1);
    expect(names()).toEqual(["child", "root"]);
  });

  it("is judged by each process on its own", () => {
    const { start, startAfar } = tracerWith(0);
    const root = start("root");
    fail(startAfar("elsewhere", root));
    end(root);
    expect(names()).toEqual(["elsewhere"]);
  });

  it("has its late spans go the way of the others", () => {
    const { start } = tracerWith(0);
    const [bad, good] = [start("bad"), start("good")];
    const [afterBad, afterGood, failed] = [start("after bad", bad), start("after good", good), start("failed", good)];
    fail(bad);
    end(good);
    end(afterBad);
    end(afterGood);
    fail(failed);
    expect(names()).toEqual(["bad", "after bad", "failed"]);
  });

  it("does not fill the memory: beyond 10,000 spans that wait, spans are given up and counted", () => {
    const { start } = tracerWith(0);
    const root = start("root");
    for (let count = 0; count < 10_100; count += 1) end(start("child", root));
    fail(root);
    expect([kept.length, dropped]).toEqual([10_000, 101]);
    const next = start("next");
    fail(next);
    expect(names().at(-1)).toBe("next");
  });

  it("does not remember spans without end: those begun beyond 20,000 open ones are given up and counted", () => {
    const { start } = tracerWith(0);
    const open = Array.from({ length: 20_000 }, () => start("open"));
    fail(start("one more"));
    expect([names(), dropped]).toEqual([[], 1]);
    for (const span of open) end(span);
    fail(start("next"));
    expect([names(), dropped]).toEqual([["next"], 1]);
  });
});

describe("The share of traces that is kept", () => {
  it("follows from the trace's id, so that all processes agree", () => {
    const { start } = tracerWith(0.25);
    for (let count = 0; count < 4_000; count += 1) end(start("root"));
    expect(kept.length).toBeGreaterThan(850);
    expect(kept.length).toBeLessThan(1_150);
  });
});
