// The second look at what the log has of a document that is being written all the time.
import { describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { Call } from "../../../core/request.ts";
import { foldCollection } from "../../../services/audit/audit.schema.ts";
import { eventsCheck } from "../../../services/audit/events.check.ts";
import { takeEvents } from "../../../services/audit/folding.ts";
import { createProgress } from "../../../services/audit/progress.ts";
import { createManualClock, createManualRandom } from "../../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase } from "../../support/memory-driver.ts";

const received = (sequence: number): CloudEvent => ({
  ...{ specversion: "1.0", id: `stock:A:${String(sequence)}`, source: "/comptoir/stock", subject: "A", sequence },
  ...{ type: "stock.received.v1", time: "2026-01-01T00:00:00.000Z", datacontenttype: "application/json" },
  data: { sku: "A", quantity: 1, onHand: sequence, reserved: 0, allocated: 0 },
});

/** @param whileAsked what comes to the log between the document's answer and the look at the log. */
function lookingAt(
  documentSeq: () => number,
  whileAsked: (take: (seq: number) => Promise<unknown>) => Promise<unknown>,
) {
  const clock = createManualClock();
  const options = { clock, random: createManualRandom(), outboxBound: 1_000, onCommit: () => undefined };
  const database = openMemoryDatabase(createMemoryStorage(), options);
  const folds = database.collection(foldCollection);
  const take = (seq: number) => takeEvents(folds, [received(seq)], false);
  const call = (async () => {
    const seq = documentSeq();
    await whileAsked(take);
    return { items: [{ id: "A", version: seq, seq, pending: 0 }] };
  }) as unknown as Call;
  const check = eventsCheck({ call, folds, clock }, createProgress(call, clock));
  return { check, take };
}

describe("The second look at a document's events", () => {
  it("does not take an event for a stranger that was made after the document was read", async () => {
    let seq = 1;
    const { check, take } = lookingAt(
      () => seq,
      async late => {
        seq += 1;
        await late(seq);
      },
    );
    await take(1);
    expect(await check.look("stock:A", null)).toBeNull();
  });

  it("finds events that the document knows nothing of", async () => {
    const { check, take } = lookingAt(
      () => 1,
      () => Promise.resolve(),
    );
    await take(1);
    await take(2);
    expect((await check.look("stock:A", null))?.detail).toContain("put back");
  });
});
