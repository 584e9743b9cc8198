import { afterEach, describe, expect, it } from "@jest/globals";
import { RequestQueue } from "../../core/kafka-queue.ts";

const open: RequestQueue[] = [];
const queueOf = (fields: Partial<RequestQueue>): RequestQueue => {
  const logger = { namespace: () => ({ debug: () => undefined }) };
  const queue = new RequestQueue({ logger, broker: "a:1", maxInFlightRequests: 0, isConnected: () => true });
  open.push(queue);
  return Object.assign(queue, fields);
};

afterEach(() => {
  for (const queue of open.splice(0)) queue.destroy();
});

describe("The Kafka client's queue of requests", () => {
  it("plans no look while nothing waits", () => {
    const queue = queueOf({});
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it.each([
    ["a request waits", { pending: [{}] }],
    ["the broker throttles", { throttledUntil: Date.now() + 60_000 }],
  ])("plans one while %s", (_name, fields) => {
    const queue = queueOf(fields);
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
  });
});
