import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  beginAttempt,
  failAttempt,
  MAX_ATTEMPTS,
  notificationTransitions,
  queued,
  settle,
  type Delivery,
} from "../../../services/notification/notification.domain.ts";

const LEASE = 60;
const begin = (delivery: Delivery, now: number) => beginAttempt(delivery, now, now + LEASE);

describe("a notification", () => {
  it("is due at once, and while an attempt runs for nobody else", () => {
    const begun = begin(queued(100), 100);
    expect(begun).toEqual({ status: "QUEUED", attempts: 1, lastError: null, dueAt: 160 });
    expect(begun && begin(begun, 159)).toBeNull();
    expect(begun && begin(begun, 160)).toMatchObject({ attempts: 2, dueAt: 220 });
  });

  it("is sent, then delivered; one write may do both", () => {
    const sent = settle(queued(0), "SENT");
    expect(sent).toMatchObject({ status: "SENT", dueAt: null });
    expect(sent && settle(sent, "DELIVERED")).toMatchObject({ status: "DELIVERED" });
    expect(settle(queued(0), "DELIVERED")).toMatchObject({ status: "DELIVERED", dueAt: null });
  });

  it("waits for its next attempt after a failure, and forgets the failure once it is sent", () => {
    const failed = failAttempt({ ...queued(0), attempts: 1 }, 1, "refused", 500);
    expect(failed).toEqual({ status: "FAILED", attempts: 1, lastError: "refused", dueAt: 500 });
    expect(failed && settle(failed, "SENT")).toMatchObject({ status: "SENT", lastError: null });
  });

  it("is dead after its last failure", () => {
    const last = { ...queued(0), attempts: MAX_ATTEMPTS };
    expect(failAttempt(last, MAX_ATTEMPTS, "refused", 500)).toMatchObject({ status: "DEAD", dueAt: null });
  });

  it("is dead when no attempt ever ended: each took its process with it", () => {
    const dead = begin({ ...queued(0), attempts: MAX_ATTEMPTS, dueAt: 10 }, 10);
    expect(dead).toMatchObject({ status: "DEAD", lastError: "No attempt ended", dueAt: null });
  });

  it("does not hear a failure that is told after a later attempt has begun, or after it was sent", () => {
    expect(failAttempt({ ...queued(0), attempts: 2 }, 1, "late", 500)).toBeNull();
    const sent = settle({ ...queued(0), attempts: 1 }, "SENT");
    expect(sent && failAttempt(sent, 1, "late", 500)).toBeNull();
  });

  it("moves only as its table says, whatever happens in whatever order", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("begin" as const), now: fc.nat(2_000) }),
      fc.record({
        do: fc.constant("settle" as const),
        receipt: fc.constantFrom("SENT" as const, "DELIVERED" as const),
      }),
      fc.record({ do: fc.constant("fail" as const), attempt: fc.integer({ min: 1, max: 10 }), at: fc.nat(2_000) }),
    );
    const apply = (delivery: Delivery, event: typeof step extends fc.Arbitrary<infer T> ? T : never) => {
      if (event.do === "begin") return begin(delivery, event.now);
      if (event.do === "settle") return settle(delivery, event.receipt);
      return failAttempt(delivery, event.attempt, "error", event.at);
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), events => {
        let delivery = queued(0);
        for (const event of events) {
          const next = apply(delivery, event);
          if (next === null) continue;
          expect(["DELIVERED", "DEAD"]).not.toContain(delivery.status);
          const path = [...notificationTransitions[delivery.status]];
          const reachable = [delivery.status, ...path, ...path.flatMap(status => notificationTransitions[status])];
          expect(reachable).toContain(next.status);
          expect(next.dueAt !== null).toBe(next.status === "QUEUED" || next.status === "FAILED");
          expect(next.attempts).toBeLessThanOrEqual(MAX_ATTEMPTS);
          delivery = next;
        }
      }),
    );
  });
});
