import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { KafkaProducer, Outgoing } from "../../../core/kafka.ts";
import { ProducerLostError } from "../../../core/kafka-errors.ts";
import { Lanes } from "../../../services/bridge/kafka-lanes.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../../support/manual-clock.ts";

type Fate = "acknowledged" | "lost acknowledgement" | "refused" | "never answered" | "producer lost";

const message = (value: string): Outgoing => ({ key: "k", value, headers: {} });
const textOf = (messages: readonly Outgoing[]) => messages.map(({ value }) => value ?? "").join("");

/** A broker that appends what it gets, and what its producers learn of it. */
function createBroker() {
  const fates: Fate[] = [];
  const log: string[] = [];
  const sends: string[] = [];
  let outstanding = 0;
  const state = { most: 0, producers: 0 };

  function answer(fate: Fate, text: string): Promise<void> {
    if (fate === "acknowledged" || fate === "lost acknowledgement") log.push(text);
    if (fate === "never answered") return new Promise(() => undefined);
    if (fate === "producer lost") return Promise.reject(new ProducerLostError("out of order"));
    return fate === "acknowledged" ? Promise.resolve() : Promise.reject(new Error(fate));
  }
  function createProducer(): KafkaProducer {
    state.producers += 1;
    return {
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      async send(_topic, _partition, messages) {
        outstanding += 1;
        state.most = Math.max(state.most, outstanding);
        sends.push(textOf(messages));
        const fate = fates.shift() ?? "acknowledged";
        await new Promise(resolve => setImmediate(resolve));
        await answer(fate, textOf(messages)).finally(() => (outstanding -= 1));
      },
    };
  }
  return { fates, log, sends, state, createProducer };
}

describe("Lanes", () => {
  let clock: ManualClock;
  let broker: ReturnType<typeof createBroker>;
  let lanes: Lanes;
  beforeEach(() => {
    clock = createManualClock();
    broker = createBroker();
    lanes = new Lanes({
      createProducer: broker.createProducer,
      clock,
      random: createManualRandom(),
      onFailure: () => undefined,
    });
  });
  afterEach(async () => {
    await clock.until(lanes.close());
  });

  const send = (value: string, partition = 0) => lanes.send([{ topic: "t", partition, messages: [message(value)] }]);
  const unavailable = { type: "SERVICE_UNAVAILABLE" };

  it("has one send outstanding per partition, and joins what waits behind it", async () => {
    await clock.until(Promise.all(["a", "b", "c", "d"].map(value => send(value))));
    expect(broker.sends).toEqual(["a", "bcd"]);
    expect(broker.state.most).toBe(1);
  });

  it("sends into several partitions at once", async () => {
    await clock.until(Promise.all([send("a", 0), send("b", 1)]));
    expect(broker.sends.toSorted()).toEqual(["a", "b"]);
    expect(broker.state.most).toBe(2);
  });

  it("bounds a batch", async () => {
    const large = "x".repeat(300_000);
    await clock.until(Promise.all([send("a"), send(large), send(large), send(large)]));
    expect(broker.sends.map(({ length }) => length)).toEqual([1, 300_000, 300_000, 300_000]);
  });

  it("divides what is given at once and larger than a batch, in its order", async () => {
    const messages = ["a", "b", "c", "d"].map(value => message(value.repeat(200_000)));
    await clock.until(lanes.send([{ topic: "t", partition: 0, messages }]));
    expect(broker.sends.map(({ length }) => length)).toEqual([400_000, 400_000]);
    expect(broker.log.map(text => [...new Set(text)].join(""))).toEqual(["ab", "cd"]);
  });

  it("sends the identical batch again when an acknowledgement was lost, and nothing before it is through", async () => {
    broker.fates.push("lost acknowledgement", "refused", "refused");
    const first = send("a");
    await expect(first).rejects.toMatchObject(unavailable);
    await expect(send("b")).rejects.toMatchObject(unavailable);
    await clock.advance(10_000);
    expect(broker.sends).toEqual(["a", "a", "a", "a"]);
    await clock.until(send("b"));
    expect(broker.log).toEqual(["a", "a", "b"]);
  });

  it("tells all who wait when a send fails, and those who come then at once", async () => {
    broker.fates.push("refused");
    const waiting = [send("a"), send("b"), send("c")];
    for (const one of await Promise.allSettled(waiting)) expect(one).toMatchObject({ reason: unavailable });
    await expect(send("d")).rejects.toMatchObject(unavailable);
    await clock.advance(5_000);
    await clock.until(send("e"));
    expect(broker.log).toEqual(["a", "e"]);
  });

  it("queues nothing for any partition while one of those asked for is away", async () => {
    broker.fates.push("refused");
    await expect(send("a", 1)).rejects.toMatchObject(unavailable);
    const parcels = [0, 1].map(partition => ({ topic: "t", partition, messages: [message("b")] }));
    await expect(lanes.send(parcels)).rejects.toMatchObject(unavailable);
    expect(broker.sends).toEqual(["a"]);
  });

  it("tells who waits for an answer that does not come within 5 s", async () => {
    broker.fates.push("never answered");
    const waiting = expect(send("a")).rejects.toMatchObject(unavailable);
    await clock.advance(5_500);
    await waiting;
    expect(lanes.isAway).toBe(true);
    await expect(send("b")).rejects.toMatchObject(unavailable);
  });

  it("gives a send up after 30 s and sends the same batch by another producer", async () => {
    broker.fates.push("never answered");
    send("a").catch(() => undefined);
    await clock.advance(29_000);
    expect(broker.state.producers).toBe(1);
    await clock.advance(6_000);
    expect(broker.state.producers).toBe(2);
    expect(broker.sends).toEqual(["a", "a"]);
    await clock.until(send("b"));
    expect(broker.log).toEqual(["a", "b"]);
  });

  it("takes another producer when the broker does not know this one any more", async () => {
    broker.fates.push("producer lost");
    await expect(send("a")).rejects.toMatchObject(unavailable);
    await clock.advance(5_000);
    expect(broker.state.producers).toBe(2);
    expect(broker.log).toEqual(["a"]);
  });

  it("keeps the producer after other failures: its numbers are what tells a repeat", async () => {
    broker.fates.push("lost acknowledgement", "refused");
    send("a").catch(() => undefined);
    await clock.advance(5_000);
    expect(broker.state.producers).toBe(1);
  });

  it("refuses more than it may hold", async () => {
    broker.fates.push("never answered");
    send("a").catch(() => undefined);
    await clock.advance(0);
    const many = Array.from({ length: 9_999 }, () => message("x"));
    lanes.send([{ topic: "t", partition: 1, messages: many }]).catch(() => undefined);
    await expect(send("b")).rejects.toMatchObject(unavailable);
    expect(lanes.waiting).toBeLessThanOrEqual(10_000);
  });

  it("tells who waits when it closes, and takes nothing more", async () => {
    broker.fates.push("never answered");
    const waiting = expect(send("a")).rejects.toMatchObject(unavailable);
    await clock.advance(0);
    await clock.until(lanes.close());
    await waiting;
    await expect(send("b")).rejects.toMatchObject(unavailable);
  });
});
