import { describe, expect, it } from "@jest/globals";
import { Kafka } from "kafkajs";
import { clusterOf, readerOf } from "../../core/kafka-reader.ts";

const outOfRange = Object.assign(new Error("out of range"), { type: "OFFSET_OUT_OF_RANGE", retriable: false });

interface Fetched {
  readonly offsets?: readonly number[];
  readonly high: number;
}

/** A partition of one broker. */
function readerOn({ answer, first = 0 }: { answer: Fetched | Error | null; first?: number }) {
  const state = { refreshed: 0, disconnected: 0 };
  const done = () => Promise.resolve();
  function responses() {
    if (answer === null) return [];
    const { offsets = [], high } = answer as Fetched;
    const messages = offsets.map(offset => ({
      offset: String(offset),
      key: Buffer.from("k"),
      value: null,
      headers: {},
    }));
    return [{ partitions: [{ partition: 0, highWatermark: String(high), abortedTransactions: [], messages }] }];
  }
  const fetch = () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ responses: responses() }));
  const reader = readerOf({
    connect: done,
    addTargetTopic: done,
    refreshMetadata: () => Promise.resolve(void (state.refreshed += 1)),
    findLeaderForPartitions: () => ({ "1": [0] }),
    findBroker: () => Promise.resolve({ fetch }),
    fetchTopicsOffset: () => Promise.resolve([{ partitions: [{ offset: String(first) }] }]),
    disconnect: () => Promise.resolve(void (state.disconnected += 1)),
  });
  return { reader, state };
}

describe("A reader without a group", () => {
  it("finds what the Kafka client does not export", () => {
    const cluster = clusterOf(new Kafka({ brokers: ["127.0.0.1:1"] })) as unknown as Record<string, unknown>;
    const names = ["connect", "addTargetTopic", "refreshMetadata", "findLeaderForPartitions", "findBroker"];
    for (const name of [...names, "fetchTopicsOffset", "disconnect"])
      expect([name, typeof cluster[name]]).toEqual([name, "function"]);
    expect(() => clusterOf({})).toThrow("elsewhere");
  });

  it.each([
    ["what was asked for, and nothing before it", { offsets: [3, 4, 5, 9], high: 12 }, 9, [4, 5, 9]],
    ["nothing where there is nothing yet", { high: 4 }, 3, []],
    ["nothing when the broker throttles", null, 3, []],
    ["a step on where compaction has left nothing, so that nothing behind it is passed over", { high: 12 }, 4, []],
  ])("gives %s", async (_what, answer, last, offsets) => {
    const batch = await readerOn({ answer }).reader.fetch("t", 0, 4);
    expect(batch).toMatchObject({ topic: "t", partition: 0, asked: 4, last });
    expect(batch.messages.map(({ offset }) => offset)).toEqual(offsets);
  });

  it("disconnects again when it was closed during a fetch that nobody waited for", async () => {
    const { reader, state } = readerOn({ answer: { high: 4 } });
    const fetching = reader.fetch("t", 0, 4);
    await reader.disconnect();
    await fetching;
    expect(state.disconnected).toBe(2);
  });

  it("passes over what is kept no longer", async () => {
    const { reader } = readerOn({ answer: outOfRange, first: 8 });
    expect(await reader.fetch("t", 0, 4)).toMatchObject({ last: 7, messages: [] });
  });

  it.each([
    ["an offset that was never given", outOfRange],
    ["a leader that has changed", new Error("not the leader")],
  ])("looks anew who leads after %s", async (_what, error) => {
    const { reader, state } = readerOn({ answer: error });
    await expect(reader.fetch("t", 0, 4)).rejects.toBe(error);
    expect(state.refreshed).toBe(1);
  });
});
