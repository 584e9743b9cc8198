import { beforeEach, describe, expect, it } from "@jest/globals";
import type { EventLog } from "../../../services/bridge/event-log.ts";
import { countDeadLetters, measureLag } from "../../../services/bridge/lag.ts";
import { methodsOf } from "../../../services/bridge/methods-of.ts";
import { expose } from "../../../core/metrics/registry.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryLogDisk, memoryLog } from "../../support/memory-log.ts";
import { seriesIn, valueOf } from "../../support/scrape.ts";

const subscribers = new Map([
  ["billing", ["order.placed.v1"]],
  ["order", ["stock.low.v1"]],
]);

const shown = async (name: string, subscriber: string): Promise<number | undefined> =>
  valueOf(seriesIn((await expose()).body), name, { subscriber });

describe("How far the subscribers are, as metrics", () => {
  let away: Set<string>;
  let log: EventLog;
  const answer = <T>(subscriber: string, value: T): Promise<T> =>
    away.has(subscriber) ? Promise.reject(new Error("Kafka is away")) : Promise.resolve(value);

  beforeEach(() => {
    away = new Set();
    log = {
      ...methodsOf(memoryLog(createMemoryLogDisk(), createManualClock())),
      lag: group => answer(group, [{ feed: "log", committed: 2, end: 7 }]),
      deadLetters: ({ subscriber = "" }) => answer(subscriber, []),
    };
  });

  it.each([
    ["lag", "comptoir_events_lag", measureLag, 5],
    ["number of dead letters", "comptoir_dead_letters_waiting", countDeadLetters, 0],
  ])(
    "shows no %s that could not be measured, and goes on with the next subscriber",
    async (_what, name, measure, value) => {
      await measure(log, subscribers);
      expect([await shown(name, "billing"), await shown(name, "order")]).toEqual([value, value]);
      away.add("billing");
      await expect(measure(log, subscribers)).rejects.toThrow("Kafka is away");
      expect([await shown(name, "billing"), await shown(name, "order")]).toEqual([undefined, value]);
      away.clear();
      await measure(log, subscribers);
      expect(await shown(name, "billing")).toBe(value);
    },
  );
});
