import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { ConsumerEvents, KafkaConsumer } from "../../../core/kafka.ts";
import type { Feed } from "../../../services/bridge/feed.ts";
import { GroupConsumer } from "../../../services/bridge/kafka-group.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../../support/manual-clock.ts";

/** Consumers as the client makes them; what happens to them is the test's to say. */
function createConsumers() {
  const started: ConsumerEvents[] = [];
  const commits: string[] = [];
  const state = { made: 0, stopped: 0, refuses: false, hangs: false };
  const consumer = (): KafkaConsumer => {
    state.made += 1;
    return {
      start(_topics, events) {
        if (state.refuses) return Promise.reject(new Error("connect ECONNREFUSED"));
        started.push(events);
        return Promise.resolve();
      },
      seek: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      commit: (topic, partition, offset) =>
        Promise.resolve(void commits.push(`${topic}/${String(partition)} ${String(offset)}`)),
      stop() {
        state.stopped += 1;
        return state.hangs ? new Promise(() => undefined) : Promise.resolve();
      },
    };
  };
  const last = (): ConsumerEvents => {
    const events = started.at(-1);
    if (events === undefined) throw new Error("No consumer was started");
    return events;
  };
  return { consumer, last, started, commits, state };
}

describe("A consumer group in this process", () => {
  let clock: ManualClock;
  let consumers: ReturnType<typeof createConsumers>;
  let open: Feed[];
  let warnings: string[];
  let group: GroupConsumer;
  beforeEach(async () => {
    clock = createManualClock();
    consumers = createConsumers();
    open = [];
    warnings = [];
    group = new GroupConsumer({
      client: { consumer: consumers.consumer },
      group: "comptoir.billing",
      topics: ["t"],
      listener: {
        opened: feed => open.push(feed),
        grew: () => undefined,
        closed(feed) {
          open = open.filter(other => other !== feed);
        },
      },
      clock,
      random: createManualRandom(),
      committed: () => Promise.resolve(new Map([["t", new Map([[0, 7]])]])),
      holds: () => true,
      prepare: () => Promise.resolve(),
      warn: message => warnings.push(message),
    });
    await clock.advance(0);
  });
  afterEach(async () => {
    await clock.until(group.stop());
  });

  const join = (...partitions: number[]) => {
    consumers.last().joined(new Map([["t", partitions]]));
  };
  const names = () => open.map(({ name }) => name);

  it("has a feed per partition of its generation, from where the group was", async () => {
    join(0, 1);
    expect(names()).toEqual(["t/0", "t/1"]);
    expect(await Promise.all(open.map(feed => feed.committed()))).toEqual([7, 0]);
  });

  it("closes all feeds at a rebalance, and those of the generation before refuse late commits", async () => {
    join(0, 1);
    const [before] = open;
    consumers.last().revoked();
    expect(names()).toEqual([]);
    join(0);
    expect(names()).toEqual(["t/0"]);
    await expect(before?.commit(9)).rejects.toThrow("another process");
    await open[0]?.commit(9);
    expect(consumers.commits).toEqual(["t/0 9"]);
  });

  it("makes a new consumer after a crash", async () => {
    join(0);
    consumers.last().crashed(new Error("the coordinator is gone"));
    await clock.advance(10_000);
    expect(consumers.state).toMatchObject({ made: 2, stopped: 1 });
    expect(names()).toEqual([]);
    join(0);
    expect(names()).toEqual(["t/0"]);
  });

  it("makes a new consumer when the log lost its end, which begins where Kafka has put the group back to", async () => {
    join(0);
    await open[0]?.read(7, [], 1);
    const early = { topic: "t", partition: 0, asked: 2, last: 3, messages: [] };
    expect(consumers.last().batch(early)).toBe(false);
    await clock.advance(10_000);
    expect(consumers.state.made).toBe(1);
    expect(warnings).toEqual([]);
    expect(consumers.last().batch(early)).toBe(false);
    await clock.advance(10_000);
    expect(consumers.state).toMatchObject({ made: 2, stopped: 1 });
    expect(warnings[0]).toBe("t/0 ends before what was read of it: it is read again from its beginning");
  });

  it("tries again and again while Kafka cannot be reached", async () => {
    consumers.state.refuses = true;
    consumers.last().crashed(new Error("gone"));
    await clock.advance(30_000);
    expect(consumers.state.made).toBeGreaterThan(4);
    consumers.state.refuses = false;
    await clock.advance(6_000);
    join(0);
    expect(names()).toEqual(["t/0"]);
  });

  it("makes a new consumer when it gives no sign for 45 s", async () => {
    join(0);
    for (let second = 0; second < 60; second += 10) {
      consumers.last().alive();
      await clock.advance(10_000);
    }
    expect(consumers.state.made).toBe(1);
    await clock.advance(60_000);
    expect(consumers.state.made).toBe(2);
  });

  it("stops within seconds even when its consumer does not", async () => {
    join(0);
    consumers.state.hangs = true;
    const begin = clock.now();
    await clock.until(group.stop());
    expect(clock.now() - begin).toBeLessThan(4_000);
    expect(names()).toEqual([]);
  });
});
