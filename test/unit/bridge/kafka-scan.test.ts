import { beforeEach, describe, expect, it } from "@jest/globals";
import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded } from "kafkajs";
import type { IncomingBatch, KafkaReader } from "../../../core/kafka.ts";
import { scan, type Span } from "../../../services/bridge/kafka-scan.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const refusal = Object.assign(new Error("not authorized"), { retriable: false });

describe("A scan", () => {
  let clock: ManualClock;
  let closed: number;
  let asked: string[];
  let failures: Error[];
  /** Of a partition: what a fetch from an offset gives. */
  let fetched: (partition: number, offset: number) => Partial<IncomingBatch>;

  const reader = (): KafkaReader => ({
    fetch(topic, partition, offset) {
      asked.push(`${String(partition)}/${String(offset)}`);
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      const nothing = { topic, partition, asked: offset, last: offset - 1, messages: [] };
      return Promise.resolve({ ...nothing, ...fetched(partition, offset) });
    },
    disconnect: () => Promise.resolve(void (closed += 1)),
  });
  const messages = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => ({ offset: from + index, key: "k", value: "v", headers: {} }));
  const spanOf = (partition: number, from: number, to: number): Span => ({ topic: "t", partition, from, to });
  async function read(spans: Span[], most = Infinity): Promise<string[]> {
    const taken: string[] = [];
    const take = (_topic: string, partition: number, found: readonly { offset: number }[]) => {
      taken.push(...found.map(({ offset }) => `${String(partition)}/${String(offset)}`));
      return Promise.resolve(taken.length < most);
    };
    await clock.until(scan({ client: { reader }, clock }, spans, take));
    return taken;
  }

  beforeEach(() => {
    clock = createManualClock();
    [closed, asked, failures] = [0, [], []];
    fetched = (_partition, offset) => ({ last: offset + 1, messages: messages(offset, offset + 2) });
  });

  it("takes what lies between its offsets, partition by partition, and closes its reader", async () => {
    expect(await read([spanOf(0, 3, 6), spanOf(1, 0, 2), spanOf(2, 4, 4)])).toEqual([
      ...["0/3", "0/4", "0/5", "1/0", "1/1"],
    ]);
    expect(asked).toEqual(["0/3", "0/5", "1/0"]);
    expect(closed).toBe(1);
  });

  it("asks nothing when there is nothing", async () => {
    expect(await read([spanOf(0, 4, 4)])).toEqual([]);
    expect(closed).toBe(0);
  });

  it("ends when it is told to", async () => {
    expect(await read([spanOf(0, 0, 6), spanOf(1, 0, 6)], 4)).toEqual(["0/0", "0/1", "0/2", "0/3"]);
    expect(closed).toBe(1);
  });

  it("goes on behind what is kept no longer", async () => {
    fetched = (_partition, offset) => (offset < 4 ? { last: 3 } : { last: 5, messages: messages(4, 6) });
    expect(await read([spanOf(0, 0, 6)])).toEqual(["0/4", "0/5"]);
  });

  it("asks again after a failure that may pass", async () => {
    const away = new KafkaJSConnectionError("connect ECONNREFUSED");
    failures.push(
      new Error("the leader has changed"),
      new KafkaJSNumberOfRetriesExceeded(away, { retryCount: 5, retryTime: 1 }),
    );
    expect(await read([spanOf(0, 0, 2)])).toEqual(["0/0", "0/1"]);
  });

  it("fails at once when it is refused, and closes its reader", async () => {
    failures.push(refusal);
    await expect(read([spanOf(0, 0, 2)])).rejects.toBe(refusal);
    expect(asked).toHaveLength(1);
    expect(closed).toBe(1);
  });

  it("fails when nothing comes for 20 s", async () => {
    fetched = () => ({});
    const begin = clock.now();
    await expect(read([spanOf(0, 0, 2)])).rejects.toThrow("does not give what it has");
    expect(clock.now() - begin).toBeLessThan(21_000);
    expect(closed).toBe(1);
  });
});
