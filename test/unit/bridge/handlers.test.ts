import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { Outcome } from "../../../core/contracts/reactions.ts";
import { timestamp } from "../../../core/kernel/clock.ts";
import { bridgeHandlers } from "../../../services/bridge/bridge.handlers.ts";
import type { EventLog } from "../../../services/bridge/event-log.ts";
import { eventOf } from "../../support/events.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryLogDisk, memoryLog, type MemoryLogDisk } from "../../support/memory-log.ts";
import { anyRequest } from "../../support/orders.ts";

const low = (sequence: number, data: Record<string, unknown> = {}): CloudEvent =>
  eventOf("stock.low.v1", "A", sequence, { sku: "A", onHand: 3, reserved: 0, allocated: 0, available: 3, ...data });

describe("The bridge", () => {
  let disk: MemoryLogDisk;
  let log: EventLog;
  let appended: CloudEvent[];
  let clock: ManualClock;
  let refusesAll: boolean;
  const outcomeOf = ({ id }: CloudEvent): Outcome =>
    refusesAll ? { id, outcome: "failed", error: "no" } : { id, outcome: "done" };
  const handlers = () =>
    bridgeHandlers({
      ...{ log, clock },
      random: createManualRandom(),
      subscribers: () => new Map([["order", ["stock.low.v1"]]]),
      react: (_subscriber, events) => Promise.resolve(events.map(outcomeOf)),
      replayHere: () => Promise.resolve(0),
      replayEverywhere: () => Promise.resolve(0),
      onAppended: events => appended.push(...events),
    });
  const append = (events: CloudEvent[]) => handlers()["v1.bridge.append"]({ events }, anyRequest);
  const inLog = () => disk.events;

  beforeEach(() => {
    clock = createManualClock();
    refusesAll = false;
    disk = createMemoryLogDisk();
    log = memoryLog(disk, createManualClock());
    appended = [];
  });

  it("has the events in its log when it tells that they are", async () => {
    await append([low(1), low(2)]);
    expect(inLog()).toEqual([low(1), low(2)]);
    expect(appended).toHaveLength(2);
  });

  it.each([
    ["a missing field", { available: undefined }, "/events/1/data/available"],
    ["a field of another type", { onHand: "3" }, "/events/1/data/onHand"],
    ["an unknown field", { colour: "red" }, "/events/1/data/colour"],
  ])("takes none of a batch in which one event has %s", async (_what, data, pointer) => {
    await expect(append([low(1), low(2, data)])).rejects.toMatchObject({
      type: "VALIDATION_FAILED",
      data: { errors: [{ pointer }] },
    });
    expect(inLog()).toEqual([]);
    expect(appended).toEqual([]);
  });

  it("takes no event of a type that it does not know", async () => {
    await expect(append([{ ...low(1), type: "stock.gone.v9" }])).rejects.toMatchObject({ type: "VALIDATION_FAILED" });
  });

  it("pages through the dead letters of one subscriber", async () => {
    const letters = [1, 2, 3].flatMap(position =>
      ["billing", "order"].map(subscriber => ({
        position,
        subscriber,
        subject: "stock:A",
        event: low(position),
        error: "e",
        attempts: 5,
        at: timestamp(0),
      })),
    );
    await log.bury(letters);
    const page = (cursor?: string) =>
      handlers()["v1.bridge.deadLetters"](
        { subscriber: "order", limit: 2, ...(cursor === undefined ? {} : { cursor }) },
        anyRequest,
      );
    const first = await page();
    const second = await page(first.nextCursor ?? "");
    expect([...first.items, ...second.items].map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(second.nextCursor).toBeNull();
    const ofAll = handlers()["v1.bridge.deadLetters"]({ cursor: first.nextCursor ?? "" }, anyRequest);
    await expect(ofAll).rejects.toMatchObject({ type: "VALIDATION_FAILED" });
  });

  it("refuses to replay for a subscriber that there is not", async () => {
    const replay = handlers()["v1.bridge.replay"]({ subscriber: "nobody" }, anyRequest);
    await expect(replay).rejects.toMatchObject({ type: "VALIDATION_FAILED" });
  });

  describe("replaying a range of time", () => {
    const range = { subscriber: "order", from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" };
    const replay = (params: object) => handlers()["v1.bridge.replay"]({ ...range, ...params }, anyRequest);
    beforeEach(async () => {
      await append([low(1), low(2), low(3)]);
      disk.positions.set("order", 2);
    });

    it("delivers what the subscriber has behind it", async () => {
      expect(await replay({})).toEqual({ replayed: 2, left: 0, nextCursor: null });
      expect(await replay({ to: "2026-01-01T00:00:00.001Z" })).toMatchObject({ replayed: 2 });
      expect(await replay({ from: "2026-01-01T00:00:00.001Z" })).toMatchObject({ replayed: 0 });
    });
    it("delivers only types that it is asked for and that the subscriber takes", async () => {
      expect(await replay({ types: ["stock.sold.v1"] })).toMatchObject({ replayed: 0 });
      expect(await replay({ types: ["stock.low.v1"] })).toMatchObject({ replayed: 2 });
    });
    it("goes on with the cursor it gave", async () => {
      const whole = log;
      let pages = 2;
      // Each page is all that a request has time for.
      log = { ...log, past: async (query, take) => (await whole.past(query, take), (pages -= 1) > 0 ? "1" : null) };
      const { nextCursor } = await replay({});
      expect(nextCursor).not.toBeNull();
      expect(await replay({ cursor: nextCursor })).toEqual({ replayed: 1, left: 0, nextCursor: null });
    });
    it("says so when more aggregates refuse an event than a cursor can name", async () => {
      refusesAll = true;
      const events = Array.from({ length: 1_000 }, (_, index) => ({ ...low(1), subject: `sku-${String(index)}` }));
      log = { ...log, past: async (_query, take) => (await take(events), "1") };
      await expect(clock.until(replay({}))).rejects.toMatchObject({
        type: "CONFLICT",
        message: expect.stringMatching(/^1000 aggregates refuse an event/),
      });
    });
    it.each([
      ["without an end", { to: undefined }],
      ["that ends before it begins", { to: "2025-01-01T00:00:00.000Z" }],
    ])("refuses one %s", async (_what, params) => {
      await expect(replay(params)).rejects.toMatchObject({ type: "VALIDATION_FAILED" });
    });
  });

  it("tells how far each subscriber is behind", async () => {
    await append([low(1), low(2), low(3)]);
    disk.positions.set("order", 1);
    const { items } = await handlers()["v1.bridge.lag"]({}, anyRequest);
    expect(items).toEqual([{ subscriber: "order", feed: "log", committed: 1, end: 3, behind: 2 }]);
  });
});
