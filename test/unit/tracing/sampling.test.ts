import { beforeEach, describe, expect, it } from "@jest/globals";
import { SpanKind } from "@opentelemetry/api";
import { KeptSpans } from "../../../core/tracing/kept-spans.ts";
import { Span, type Parent, type Trace } from "../../../core/tracing/span.ts";
import { freshTraceId } from "../../../core/tracing/traceparent.ts";

const SLOW_MS = 1_000;
const begun = 0;

let kept: Span[];
let dropped: number;

const names = () => kept.map(({ name }) => name);

function spansOf(isSampled: boolean) {
  const keeper = new KeptSpans({
    slowMs: SLOW_MS,
    offer: span => kept.push(span),
    onDropped: count => {
      dropped += count;
    },
  });
  const ended = (span: Span) => {
    keeper.ended(span);
  };
  const begin = (name: string, trace: Trace, parent: Parent | null) =>
    new Span({ name, kind: SpanKind.INTERNAL, attributes: {}, begun }, trace, parent, ended);
  const start = (name: string, parent?: Span) =>
    begin(name, parent ?? { traceId: freshTraceId(), isSampled }, parent ?? null);
  /** As a process that takes the call of another one. */
  const startAfar = (name: string, parent: Span) =>
    begin(name, parent, { traceId: parent.traceId, spanId: parent.id, traceFlags: 0, isRemote: true });
  return { start, startAfar };
}

const end = (span: Span, afterMs = 1) => {
  span.end(false, begun + afterMs);
};
const fail = (span: Span) => {
  span.end(true, begun + 1);
};

beforeEach(() => {
  kept = [];
  dropped = 0;
});

describe("A sampled trace", () => {
  it("leaves span by span, as they end", () => {
    const { start } = spansOf(true);
    const root = start("root");
    end(start("child", root));
    expect(names()).toEqual(["child"]);
    end(root);
    expect(names()).toEqual(["child", "root"]);
  });
});

describe("A trace that is not sampled", () => {
  it("leaves nothing when it went well in good time", () => {
    const { start } = spansOf(false);
    const root = start("root");
    end(start("child", root));
    end(root, SLOW_MS);
    expect(names()).toEqual([]);
  });

  it("leaves whole when one of its spans failed", () => {
    const { start } = spansOf(false);
    const root = start("root");
    fail(start("child", root));
    expect(names()).toEqual([]);
    end(root);
    expect(names()).toEqual(["child", "root"]);
  });

  it("leaves whole when it took long", () => {
    const { start } = spansOf(false);
    const root = start("root");
    end(start("child", root));
    end(root, SLOW_MS + 1);
    expect(names()).toEqual(["child", "root"]);
  });

  it("is judged by each process on its own", () => {
    const { start, startAfar } = spansOf(false);
    const root = start("root");
    fail(startAfar("elsewhere", root));
    end(root);
    expect(names()).toEqual(["elsewhere"]);
  });

  it("has its late spans go the way of the others", () => {
    const { start } = spansOf(false);
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
    const { start } = spansOf(false);
    const root = start("root");
    for (let count = 0; count < 10_100; count += 1) end(start("child", root));
    fail(root);
    expect([kept.length, dropped]).toEqual([10_000, 101]);
    const next = start("next");
    fail(next);
    expect(names().at(-1)).toBe("next");
  });

  it("ends once", () => {
    const { start } = spansOf(true);
    const root = start("root");
    end(root, 5);
    fail(root);
    expect(kept.map(({ duration, hasFailed }) => [duration, hasFailed])).toEqual([[5, false]]);
  });
});
