import { describe, expect, it } from "@jest/globals";
import type { Delivery } from "../../../services/bridge/delivery.ts";
import { createSubscriptions } from "../../../services/bridge/subscriptions.ts";
import { createMemoryLogDisk, memoryLog } from "../../support/memory-log.ts";
import { createManualClock } from "../../support/manual-clock.ts";

/** @param waits what the rounds answer, the last one for ever. */
function counted(waits: (number | null | Error)[]) {
  let rounds = 0;
  const delivery: Delivery = {
    round: () => {
      const wait = waits[Math.min(rounds, waits.length - 1)] ?? null;
      rounds += 1;
      return wait instanceof Error ? Promise.reject(wait) : Promise.resolve(wait);
    },
    replay: () => Promise.resolve({ replayed: 0, left: 0 }),
  };
  return { delivery, rounds: () => rounds };
}

describe("A subscription", () => {
  const errors: unknown[] = [];
  function follow(waits: (number | null | Error)[]) {
    const clock = createManualClock();
    const { delivery, rounds } = counted(waits);
    const disk = createMemoryLogDisk();
    const log = memoryLog(disk, clock);
    const subscriptions = createSubscriptions({
      log,
      clock,
      create: () => delivery,
      onError: error => errors.push(error),
    });
    subscriptions.follow(new Map([["order", ["order.placed.v1"]]]));
    return { clock, rounds, subscriptions, log };
  }

  it("goes on at once while there is more, then waits", async () => {
    const { clock, rounds, subscriptions } = follow([0, 0, 0, null]);
    await clock.advance(0);
    expect(rounds()).toBe(4);
    const stopped = subscriptions.stop();
    await clock.until(stopped);
  });

  it("wakes when the log grows, after a moment in which more may come", async () => {
    const { clock, rounds, subscriptions, log } = follow([null]);
    await clock.advance(0);
    await clock.until(log.append([]));
    await clock.advance(49);
    expect(rounds()).toBe(1);
    await clock.advance(1);
    expect(rounds()).toBe(2);
    await clock.until(subscriptions.stop());
  });

  it("looks again after a second without being woken, earlier when a retry is due", async () => {
    const { clock, rounds, subscriptions } = follow([null, 100, null]);
    await clock.advance(999);
    expect(rounds()).toBe(1);
    await clock.advance(1);
    expect(rounds()).toBe(2);
    await clock.advance(100);
    expect(rounds()).toBe(3);
    await clock.until(subscriptions.stop());
  });

  it("goes on after a round that failed", async () => {
    const { clock, rounds, subscriptions } = follow([new Error("disk"), null]);
    await clock.advance(1_000);
    expect(rounds()).toBe(2);
    expect(errors).toEqual([new Error("disk")]);
    await clock.until(subscriptions.stop());
  });

  it("runs no round after it was stopped, and is one per subscriber", async () => {
    const { clock, rounds, subscriptions, log } = follow([null]);
    subscriptions.follow(new Map([["order", ["order.placed.v1"]]]));
    await clock.advance(0);
    await clock.until(subscriptions.stop());
    await clock.until(log.append([]));
    await clock.advance(5_000);
    expect(rounds()).toBe(1);
  });
});
