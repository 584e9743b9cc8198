// What becomes known of a write that was not answered.
import { describe, expect, it } from "@jest/globals";
import type { Driver, StoredDocument, Write, WriteOutcome } from "../../../core/store/driver.ts";
import { settleUnknown } from "../../../core/store/unknown-outcome.ts";
import { systemClock, systemRandom } from "../../../core/system.ts";

const document: StoredDocument = {
  id: "a",
  version: 1,
  seq: 0,
  schemaVersion: 1,
  writes: [[1, "w1"]],
  state: { n: 1 },
};
const write: Write = { document, expected: 0, events: [], entries: new Map() };
const duplicate: WriteOutcome = { kind: "duplicate", field: "n" };

/** What the database shows at each look, and how it answers each write. */
function settled(shown: readonly (StoredDocument | null)[], outcomes: readonly WriteOutcome[]) {
  const [looks, answers] = [[...shown], [...outcomes]];
  const driver = {
    read: () => Promise.resolve([{ document: looks.shift() ?? null, entries: new Map(), pending: 0 }]),
    write: () => Promise.resolve([answers.shift()]),
  } as unknown as Driver;
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  return settleUnknown(driver, write, { clock, random: systemRandom });
}

describe("A unique index that refuses the second attempt", () => {
  it("may have met the first one, which arrived late", async () => {
    expect(await settled([null, document], [duplicate])).toEqual({ kind: "written" });
  });

  it("is believed when the document is still not there", async () => {
    expect(await settled([null, null], [duplicate])).toEqual(duplicate);
  });
});
