import { expect, it } from "@jest/globals";
import { sampledTraceOf } from "../../../core/tracing/events.ts";
import { format } from "../../../core/tracing/traceparent.ts";
import { eventOf } from "../../support/events.ts";

const [kept, other] = ["0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c"];
const event = (traceId?: string, isSampled = false) => ({
  ...eventOf("order.cancelled.v1", "1", 1, { reason: "changed my mind" } as never),
  ...(traceId === undefined ? {} : { traceparent: format(traceId, "b7ad6b7169203331", isSampled) }),
});

it("Of a batch the first trace that somebody can look up stands for it, and none where nothing is sampled", () => {
  expect(sampledTraceOf([event(), event(other), event(kept, true), event(other, true)])).toBe(kept);
  expect(sampledTraceOf([event(), event(other)])).toBeUndefined();
  expect(sampledTraceOf([])).toBeUndefined();
});
