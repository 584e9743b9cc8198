// Replaying dead letters over several feeds of one process.
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { DeadLetter } from "../../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { Outcome } from "../../../core/contracts/reactions.ts";
import { createDelivery } from "../../../services/bridge/delivery.ts";
import type { EventLog } from "../../../services/bridge/event-log.ts";
import type { Feed, FeedListener } from "../../../services/bridge/feed.ts";
import { methodsOf } from "../../../services/bridge/methods-of.ts";
import { createSubscriptions, type Subscriptions } from "../../../services/bridge/subscriptions.ts";
import { event } from "../../contract/event-log.contract.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryLogDisk, memoryLog, type MemoryLogDisk } from "../../support/memory-log.ts";

const SUBSCRIBER = "billing";
const subjects = ["a", "b", "c"];

const letterOf = (subject: string, sequence: number): DeadLetter => ({
  ...{ position: sequence, subscriber: SUBSCRIBER, subject: `order:${subject}`, event: event(subject, sequence) },
  ...{ error: "e", attempts: 5, at: "2026-01-01T00:00:00.000Z" },
});

/** A log with a feed for each subject, whose dead letters are read as often as `reads` says. */
function createLog(disk: MemoryLogDisk, clock: ManualClock) {
  const memory = methodsOf(memoryLog(disk, clock));
  const state = {
    reads: 0,
    listener: null as FeedListener | null,
    feeds: [] as Feed[],
    fresh: new Set<string>(),
    closed: new Set<string>(),
    /** Another's, which this process has not heard. */
    fenced: new Set<string>(),
  };
  const feedOf = (subject: string): Feed => ({
    name: subject,
    read: after => {
      const entries = state.fresh.delete(subject) ? [{ position: after + 1, event: event(subject, 2) }] : [];
      return Promise.resolve({ entries, upTo: after + entries.length });
    },
    committed: () => (state.closed.has(subject) ? Promise.reject(new Error("given away")) : Promise.resolve(0)),
    confirm: () => (state.fenced.has(subject) ? Promise.reject(new Error("not a member")) : Promise.resolve()),
    commit: () => Promise.resolve(),
    holds: one => one.subject === subject,
  });
  const log: EventLog = {
    ...memory,
    subscribe(_group, _types, listener) {
      state.feeds = subjects.map(feedOf);
      state.listener = listener;
      for (const feed of state.feeds) listener.opened(feed);
      return { stop: () => Promise.resolve() };
    },
    deadLetters(query) {
      state.reads += 1;
      return memory.deadLetters(query);
    },
  };
  return { log, state };
}

describe("A replay of dead letters", () => {
  let clock: ManualClock;
  let disk: MemoryLogDisk;
  let log: ReturnType<typeof createLog>;
  let subscriptions: Subscriptions;
  let replayed: string[];
  let errors: unknown[];
  let unparked: string[];
  let onReplay: () => void;
  let react: (events: readonly CloudEvent[]) => Promise<Outcome[]>;

  const through = (events: readonly CloudEvent[]): Outcome[] => events.map(({ id }) => ({ id, outcome: "done" }));

  beforeEach(async () => {
    clock = createManualClock();
    disk = createMemoryLogDisk();
    log = createLog(disk, clock);
    replayed = [];
    errors = [];
    unparked = [];
    onReplay = () => undefined;
    react = events => Promise.resolve(through(events));
    subscriptions = createSubscriptions({
      log: log.log,
      clock,
      create: (subscriber, types, feed) =>
        createDelivery({
          ...{ feed, letters: log.log, subscriber, types, clock, random: createManualRandom() },
          react: async ({ events, replay = false }) => {
            if (replay) replayed.push(...events.map(({ id }) => id));
            if (replay) onReplay();
            return { outcomes: replay ? through(events) : await react(events) };
          },
          park: ({ subject, from }) => {
            if (from === null) unparked.push(subject);
            return Promise.resolve({});
          },
        }),
      onError: error => errors.push(error),
    });
    subscriptions.follow(new Map([[SUBSCRIBER, ["order.placed.v1"]]]));
    await clock.advance(0);
    await clock.until(log.log.bury(subjects.map(subject => letterOf(subject, 1))));
  });

  const replay = (): Promise<number> => clock.until(subscriptions.replay(SUBSCRIBER));

  it("reads the letters once, however many feeds have some", async () => {
    expect(await replay()).toBe(3);
    expect(replayed.toSorted()).toEqual(subjects.map(subject => `order:${subject}:1`));
    expect(disk.letters.size).toBe(0);
    expect(log.state.reads).toBe(1);
  });

  it("sees what a round buries that was running when it was asked for", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    react = async events => {
      await promise;
      return events.map(({ id }) => ({ id, outcome: "parked" }));
    };
    log.state.fresh.add("b");
    await clock.advance(1_000);
    const replaying = subscriptions.replay(SUBSCRIBER);
    await clock.advance(0);
    // Nobody waits for the slow one.
    expect(replayed.toSorted()).toEqual(["order:a:1", "order:c:1"]);
    resolve(undefined);
    expect(await clock.until(replaying)).toBe(4);
    expect(replayed.filter(id => id.startsWith("order:b:"))).toEqual(["order:b:1", "order:b:2"]);
    expect(disk.letters.size).toBe(0);
  });

  it("may be asked for twice at once", async () => {
    const both = Promise.all([subscriptions.replay(SUBSCRIBER), subscriptions.replay(SUBSCRIBER)]);
    expect((await clock.until(both)).toSorted()).toEqual([0, 3]);
    expect(errors).toEqual([]);
  });

  it("leaves the letters of a feed that was taken away before they were read", async () => {
    const replaying = subscriptions.replay(SUBSCRIBER);
    const [first] = log.state.feeds;
    if (first !== undefined) log.state.listener?.closed(first);
    expect(await clock.until(replaying)).toBe(2);
    expect([...disk.letters.values()].map(({ subject }) => subject)).toEqual(["order:a"]);
  });

  it("does not unpark what another process may be burying, once a feed was taken away, heard of or not", async () => {
    onReplay = () => log.state.fenced.add("a");
    expect(await replay()).toBe(2);
    expect(unparked.toSorted()).toEqual(["order:b", "order:c"]);
    expect([...disk.letters.values()].map(({ subject }) => subject)).toEqual(["order:a"]);
    expect(errors).toEqual([new Error("not a member")]);
  });

  it("delivers no more of a feed that was taken away", async () => {
    log.state.closed.add("a");
    expect(await replay()).toBe(2);
    expect(replayed.toSorted()).toEqual(["order:b:1", "order:c:1"]);
    expect(errors).toEqual([new Error("given away")]);
  });

  it("says once that the letters cannot be read, and leaves them", async () => {
    const away = new Error("Kafka is away");
    log.log.deadLetters = () => Promise.reject(away);
    expect(await replay()).toBe(0);
    expect(errors).toEqual([away]);
    expect(disk.letters.size).toBe(3);
  });
});
