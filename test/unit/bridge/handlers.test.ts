import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import { timestamp } from "../../../core/kernel/clock.ts";
import { bridgeHandlers } from "../../../services/bridge/bridge.handlers.ts";
import type { EventLog } from "../../../services/bridge/event-log.ts";
import { eventOf } from "../../support/events.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryLogDisk, memoryLog } from "../../support/memory-log.ts";
import { anyRequest } from "../../support/orders.ts";

const low = (sequence: number, data: Record<string, unknown> = {}): CloudEvent =>
  eventOf("stock.low.v1", "A", sequence, { sku: "A", onHand: 3, reserved: 0, allocated: 0, available: 3, ...data });

describe("The bridge", () => {
  let log: EventLog;
  let appended: CloudEvent[];
  const handlers = () =>
    bridgeHandlers({ log, deliveryOf: () => undefined, onAppended: events => appended.push(...events) });
  const append = (events: CloudEvent[]) => handlers()["v1.bridge.append"]({ events }, anyRequest);
  const inLog = async () => (await log.read(0, ["stock.low.v1"], 100)).entries.map(({ event }) => event);

  beforeEach(() => {
    log = memoryLog(createMemoryLogDisk(), createManualClock());
    appended = [];
  });

  it("has the events in its log when it tells that they are", async () => {
    await append([low(1), low(2)]);
    expect(await inLog()).toEqual([low(1), low(2)]);
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
    expect(await inLog()).toEqual([]);
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
});
