import { describe, expect, it } from "@jest/globals";
import { format, freshTraceparent, isSampled, parse, traceIdOf } from "../../../core/tracing/traceparent.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";

describe("A traceparent", () => {
  it("names a trace, a span and whether it is sampled", () => {
    expect(parse(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, traceFlags: 1 });
    expect(parse(`00-${trace}-${span}-00`)).toEqual({ traceId: trace, spanId: span, traceFlags: 0 });
  });

  it("may come from a later version, which knows more flags and appends to it", () => {
    expect(parse(`cc-${trace}-${span}-03-what-is-new`)).toEqual({ traceId: trace, spanId: span, traceFlags: 1 });
  });

  it.each([
    ["nothing", undefined],
    ["several headers", [`00-${trace}-${span}-01`, `00-${trace}-${span}-01`]],
    ["no text", 7],
    ["an empty text", ""],
    ["a short trace id", `00-${trace.slice(1)}-${span}-01`],
    ["capitals", `00-${trace.toUpperCase()}-${span}-01`],
    ["the trace of all zeros", `00-${"0".repeat(32)}-${span}-01`],
    ["the span of all zeros", `00-${trace}-${"0".repeat(16)}-01`],
    ["version ff", `ff-${trace}-${span}-01`],
    ["version 00 with more in it", `00-${trace}-${span}-01-more`],
    ["a line behind it", `00-${trace}-${span}-01\n<script>`],
    ["a very long one", `cc-${trace}-${span}-01-${"x".repeat(600)}`],
  ])("is not read from %s", (_, given) => {
    expect(parse(given)).toBeUndefined();
  });

  it("is written as it is read", () => {
    const line = `00-${trace}-${span}-01`;
    expect([format(trace, span, true), format(trace, span, false)]).toEqual([line, `00-${trace}-${span}-00`]);
    expect([traceIdOf(line), isSampled(line), isSampled(`00-${trace}-${span}-00`)]).toEqual([trace, true, false]);
  });

  it("is made anew for each trace, and nobody has sampled it", () => {
    const made = Array.from({ length: 1_000 }, freshTraceparent);
    expect(new Set(made.map(traceIdOf)).size).toBe(1_000);
    expect(made.every(line => parse(line)?.traceFlags === 0)).toBe(true);
  });
});
