// A range of time that takes several requests: what an aggregate refused is not overtaken in the next one either.
import { expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { EventLog } from "../../../services/bridge/event-log.ts";
import { replayRange } from "../../../services/bridge/replay-range.ts";
import { eventOf } from "../../support/events.ts";
import { createManualClock, createManualRandom } from "../../support/manual-clock.ts";

const low = (sku: string, sequence: number): CloudEvent =>
  eventOf("stock.low.v1", sku, sequence, { sku, onHand: 3, reserved: 0, allocated: 0, available: 3 });
const pages = [
  [low("A", 1), low("B", 1)],
  [low("A", 2), low("B", 2)],
];
const log: Pick<EventLog, "past"> = {
  async past({ cursor }, take) {
    const at = Number(cursor ?? 0);
    await take(pages[at] ?? []);
    return at + 1 < pages.length ? String(at + 1) : null;
  },
};

it("An aggregate that refuses an event stands still over requests, the others go on", async () => {
  const clock = createManualClock();
  const taken: string[] = [];
  const react = (events: CloudEvent[]) => {
    const outcomes = events.map(({ id, subject, sequence }) => {
      const isRefused = subject === "A" && sequence === 1;
      if (!isRefused) taken.push(`${subject}${String(sequence)}`);
      return isRefused ? { id, outcome: "failed" as const, error: "no" } : { id, outcome: "done" as const };
    });
    return Promise.resolve(outcomes);
  };
  const request = (cursor: string | null, stuck?: readonly string[]) => {
    const options = { log: log as EventLog, react, clock, random: createManualRandom(), until: clock.now() };
    const query = { group: "order", types: ["stock.low.v1"], from: 0, to: 1, cursor };
    return clock.until(replayRange(options, query, stuck));
  };
  const first = await request(null);
  expect(first).toEqual({ replayed: 1, left: 1, cursor: "1", stuck: ["stock:A"] });
  expect(await request(first.cursor, first.stuck)).toMatchObject({ replayed: 1, left: 1, cursor: null });
  expect(taken).toEqual(["B1", "B2"]);
});
