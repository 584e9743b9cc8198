import { describe, expect, it } from "@jest/globals";
import { findingsOf, type ReadEvent } from "../support/event-topics.ts";

const read = (subject: string, sequence: number, changes: Partial<ReadEvent> = {}): ReadEvent => ({
  ...{ topic: "t.order.v1", partition: 0, key: subject },
  event: {
    ...{ specversion: "1.0", id: `order:${subject}:${String(sequence)}`, source: "/comptoir/order" },
    ...{ type: "order.placed.v1", subject, time: "", datacontenttype: "application/json", sequence, data: {} },
  },
  ...changes,
});
const made = new Map([
  ["order:a", 3],
  ["order:b", 1],
]);
const whole = [read("a", 1), read("b", 1), read("a", 2), read("a", 3)];

describe("Reading the event log", () => {
  it("finds nothing in a log that is whole, repeats included", () => {
    const repeated = [...whole, read("a", 1), read("a", 2), read("a", 3)];
    expect(findingsOf(repeated, made)).toEqual({
      ...{ events: 4, aggregates: 2, repeats: 3 },
      ...{ missing: [], inversions: [], astray: [] },
    });
  });

  it("finds an event that was made and is not there, also the last of its aggregate, and all of one", () => {
    expect(findingsOf([read("a", 1), read("a", 3)], made).missing).toEqual(["order:a 2", "order:b 1"]);
    expect(findingsOf([read("a", 1), read("a", 2), read("b", 1)], made).missing).toEqual(["order:a 3"]);
    expect(findingsOf([read("x", 2)], new Map()).missing).toEqual(["order:x 1"]);
  });

  it("finds a first occurrence before its predecessor's", () => {
    const turned = [read("a", 2), read("a", 1), read("a", 2), read("a", 3), read("b", 1)];
    expect(findingsOf(turned, made).inversions).toEqual(["order:a 1"]);
  });

  it("finds an aggregate in two partitions, and one under another key", () => {
    const twice = [...whole.slice(0, 3), read("a", 3, { partition: 1 })];
    expect(findingsOf(twice, made).astray).toEqual(["order:a"]);
    const keyless = [read("b", 1, { key: "null" }), ...whole.filter(({ key }) => key === "a")];
    expect(findingsOf(keyless, made).astray).toEqual(["order:b"]);
  });
});
