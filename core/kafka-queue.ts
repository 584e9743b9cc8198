// The Kafka client (2.2.4) looks after each answer whether requests are waiting, and plans the next look for "when throttling ends".
// Without throttling that is in the past: a timer of 1 ms, again and again, on every connection for as long as it lives. In a bridge
// that does nothing else it is half of the CPU time. A look is only of use while something waits or is throttled.
import { createRequire } from "node:module";

export interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Ms since the epoch. */
  readonly throttledUntil: number;
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  scheduleCheckPendingRequests(): void;
  /** Sends what waits, as far as it may, and plans the next look. */
  checkPendingRequests(): void;
  destroy(): void;
}

interface RequestQueueClass {
  new (options: object): RequestQueue;
  readonly prototype: RequestQueue;
}

/** Of the client's own, which it does not export by name. */
export const RequestQueue = createRequire(import.meta.url)(
  "kafkajs/src/network/requestQueue/index.js",
) as RequestQueueClass;

// For every connection that this process makes.
const schedule = Reflect.get(RequestQueue.prototype, "scheduleCheckPendingRequests");
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
};
