// What every event log promises, and what delivery makes of it: nothing lost, in order per aggregate, and a poison event
// stops its own aggregate only.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { aggregateOf } from "../../core/reactions.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import { methodsOf } from "../../services/bridge/methods-of.ts";
import { consume, type Consumer } from "../support/consumer.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const TYPES = ["order.placed.v1", "order.rejected.v1"];

export const event = (subject: string, sequence: number, type = "order.placed.v1"): CloudEvent => ({
  specversion: "1.0",
  id: `order:${subject}:${String(sequence)}`,
  source: "/comptoir/order",
  type,
  subject,
  time: timestamp(0),
  datacontenttype: "application/json",
  sequence,
  data: { of: subject },
});

const stream = (subject: string, from: number, to: number): CloudEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => event(subject, from + index));

/** A subscriber that does what core/reactions.ts does: in order, the rest waits behind a failure, parked from a mark on. */
function createSubscriber() {
  const seen: string[] = [];
  const poison = new Set<string>();
  const starved = new Set<string>();
  const parked = new Map<string, number>();
  let away = false;
  const take = ({ id }: CloudEvent): Outcome => {
    if (poison.has(id)) return { id, outcome: "failed", error: "cannot take this" };
    if (starved.has(id)) return { id, outcome: "failed", error: "what it needs is away", transient: true };
    seen.push(id);
    return { id, outcome: "done" };
  };
  return {
    seen,
    poison,
    starved,
    parked,
    leave: () => (away = true),
    comeBack: () => (away = false),
    of: (subject: string) => seen.filter(id => id.startsWith(`order:${subject}:`)),
    react: ({ events, replay = false }: { events: CloudEvent[]; replay?: boolean }) => {
      if (away) return Promise.reject(new Error("away"));
      const outcomes = [...Map.groupBy(events, aggregateOf)].flatMap(([aggregate, group]) => {
        const from = replay ? Infinity : (parked.get(aggregate) ?? Infinity);
        let broken = false;
        return group.map((one): Outcome => {
          if (broken) return { id: one.id, outcome: "failed", error: "waits" };
          const outcome: Outcome = one.sequence >= from ? { id: one.id, outcome: "parked" } : take(one);
          broken = outcome.outcome === "failed";
          return outcome;
        });
      });
      return Promise.resolve({ outcomes });
    },
    park: ({ subject, from }: { subject: string; from: number | null }) => {
      if (from === null) parked.delete(subject);
      else parked.set(subject, Math.min(parked.get(subject) ?? from, from));
      return Promise.resolve({});
    },
  };
}

interface Place {
  open(clock: ManualClock): EventLog | Promise<EventLog>;
  remove(): void | Promise<void>;
}

/** @param prepare makes a fresh place for a log; `open` may be called again on it, as after a crash. */
export function eventLogContract(name: string, prepare: () => Place): void {
  describe(`The ${name} event log`, () => {
    let clock: ManualClock;
    let place: Place;
    let log: EventLog;
    let subscriber: ReturnType<typeof createSubscriber>;
    let consumers: Consumer[];

    beforeEach(async () => {
      clock = createManualClock();
      place = prepare();
      log = await place.open(clock);
      subscriber = createSubscriber();
      consumers = [];
    });
    afterEach(async () => {
      await Promise.all(consumers.map(consumer => consumer.stop()));
      await log.close();
      await place.remove();
    });

    function consumerOf(group: string, to = subscriber, from: EventLog = log, types = TYPES): Consumer {
      const consumer = consume({ ...to, log: from, group, types, clock });
      consumers.push(consumer);
      return consumer;
    }
    /** A consumer of this group takes what there is and leaves. */
    async function drainOnce(group: string, to = subscriber): Promise<void> {
      const consumer = consumerOf(group, to);
      await consumer.drain();
      await consumer.stop();
    }
    /** Of a group of its own. */
    async function read(types = TYPES): Promise<string[]> {
      const reader = createSubscriber();
      const consumer = consumerOf(`reader${String(consumers.length)}`, reader, log, types);
      await consumer.drain();
      await consumer.stop();
      return reader.seen;
    }
    const of = (ids: readonly string[], subject: string) => ids.filter(id => id.startsWith(`order:${subject}:`));
    const idsOf = (events: readonly CloudEvent[]) => events.map(({ id }) => id);

    it("gives back what was appended, in order per aggregate", async () => {
      await log.append(stream("a", 1, 3));
      await log.append(stream("b", 1, 2));
      await log.append(stream("a", 4, 5));
      const ids = await read();
      expect(of(ids, "a")).toEqual(idsOf(stream("a", 1, 5)));
      expect(of(ids, "b")).toEqual(idsOf(stream("b", 1, 2)));
      expect(ids).toHaveLength(7);
    });

    it("keeps the order of each aggregate when many are appended at once", async () => {
      const batches = Array.from({ length: 20 }, (_, index) => [event("a", index + 1), event("b", index + 1)]);
      await Promise.all(batches.map(batch => log.append(batch)));
      const ids = await read();
      expect(of(ids, "a")).toEqual(idsOf(stream("a", 1, 20)));
      expect(of(ids, "b")).toEqual(idsOf(stream("b", 1, 20)));
    });

    it("has what it confirmed when it is opened again after a crash", async () => {
      await log.append(stream("a", 1, 3));
      const before = consumerOf("billing");
      const feed = await before.feedOf(event("a", 1));
      await feed.commit(2);
      await before.stop();
      const again = await place.open(clock);
      const after = consumerOf("billing", subscriber, again);
      await after.drain();
      expect(subscriber.seen).toEqual(["order:a:3"]);
      await after.stop();
      await again.close();
    });

    it("does not go back to what a late commit says", async () => {
      await log.append(stream("a", 1, 6));
      const feed = await consumerOf("billing").feedOf(event("a", 1));
      for (const position of [5, 3, 6, 1]) await feed.commit(position);
      expect(await feed.committed()).toBe(6);
      expect((await log.lag("billing", TYPES)).map(({ committed }) => committed)).toContain(6);
    });

    it("leaves out other types and says how far it has looked", async () => {
      await log.append([event("a", 1), event("a", 2, "order.cancelled.v1"), event("a", 3)]);
      expect(await read(["order.cancelled.v1"])).toEqual(["order:a:2"]);
      expect(await read()).toEqual(["order:a:1", "order:a:3"]);
    });

    it("tells how far each group is", async () => {
      await log.append(stream("a", 1, 4));
      const behind = async () =>
        (await log.lag("billing", TYPES)).reduce((sum, { committed, end }) => sum + end - committed, 0);
      expect(await behind()).toBe(4);
      await drainOnce("billing");
      expect(await behind()).toBe(0);
      await log.append(stream("a", 5, 6));
      expect(await behind()).toBe(2);
      expect((await log.topics()).reduce((sum, { events }) => sum + events, 0)).toBe(6);
    });

    it("is not behind for long with events that are not for it", async () => {
      const types = ["order.cancelled.v1"];
      const behind = async () =>
        (await log.lag("billing", types)).reduce((sum, { committed, end }) => sum + end - committed, 0);
      const consumer = consumerOf("billing", subscriber, log, types);
      await log.append([event("a", 1, "order.cancelled.v1"), event("a", 2), event("b", 1)]);
      await consumer.drain();
      await log.append([event("a", 3), event("b", 2)]);
      await consumer.drain();
      await clock.advance(5_000);
      await consumer.attempt(1);
      expect(await behind()).toBe(0);
    });

    it("gives a group's feed back when it stops, and takes no commit from it then", async () => {
      await log.append(stream("a", 1, 3));
      const first = consumerOf("billing");
      const feed = await first.feedOf(event("a", 1));
      await first.stop();
      expect(first.feeds()).toEqual([]);
      const second = consumerOf("billing");
      await second.drain();
      await feed.commit(1).catch(() => undefined);
      expect(subscriber.seen).toEqual(idsOf(stream("a", 1, 3)));
      expect(await (await second.feedOf(event("a", 1))).committed()).toBe(3);
    });

    it("gives what a group has behind it of a range of time, and no more", async () => {
      const at = (sequence: number): CloudEvent => ({ ...event("a", sequence), time: timestamp(sequence * 1_000) });
      await log.append([1, 2, 3, 4].map(at));
      await drainOnce("billing");
      await log.append([5, 6].map(at));
      const taken: string[] = [];
      const query = { group: "billing", types: TYPES, from: 2_000, to: 6_000, cursor: null };
      const cursor = await log.past(query, events => {
        taken.push(...idsOf(events));
        return Promise.resolve(true);
      });
      expect({ taken, cursor }).toEqual({ taken: ["order:a:2", "order:a:3", "order:a:4"], cursor: null });
    });

    it("goes on with a range where it was left", async () => {
      for (const subject of ["a", "b", "c", "d"]) await log.append(stream(subject, 1, 300));
      await drainOnce("billing");
      const taken: string[] = [];
      let cursor: string | null = null;
      let readings = 0;
      do {
        const query = { group: "billing", types: TYPES, from: 0, to: 1, cursor };
        cursor = await log.past(query, events => {
          taken.push(...idsOf(events));
          return Promise.resolve(false);
        });
        readings += 1;
      } while (cursor !== null);
      expect(readings).toBeGreaterThan(1);
      for (const subject of ["a", "b", "c", "d"]) expect(of(taken, subject)).toEqual(idsOf(stream(subject, 1, 300)));
    });

    it("delivers in order per aggregate, once while nothing fails", async () => {
      for (let sequence = 1; sequence <= 300; sequence += 1)
        await log.append([event("a", sequence), event("b", sequence)]);
      await drainOnce("billing");
      expect(subscriber.of("a")).toEqual(stream("a", 1, 300).map(({ id }) => id));
      expect(subscriber.of("b")).toEqual(stream("b", 1, 300).map(({ id }) => id));
    });

    it("delivers again what was taken but not committed before a crash", async () => {
      await log.append(stream("a", 1, 3));
      const dying = consumerOf("billing");
      dying.breakCommits(new Error("killed"));
      await expect(dying.drain()).rejects.toThrow("killed");
      await dying.stop();
      await drainOnce("billing");
      expect(subscriber.seen).toEqual([...stream("a", 1, 3), ...stream("a", 1, 3)].map(({ id }) => id));
    });

    it("delivers again from the commit on when a round failed in the same process", async () => {
      await log.append(stream("a", 1, 3));
      const consumer = consumerOf("billing");
      consumer.breakCommits(new Error("away"));
      await expect(consumer.drain()).rejects.toThrow("away");
      consumer.breakCommits(null);
      await consumer.drain();
      expect(subscriber.seen).toEqual([...stream("a", 1, 3), ...stream("a", 1, 3)].map(({ id }) => id));
    });

    it("delivers to each group on its own, to a new one from the beginning", async () => {
      await log.append(stream("a", 1, 2));
      await drainOnce("billing");
      const late = createSubscriber();
      await drainOnce("statistics", late);
      expect(late.seen).toEqual(subscriber.seen);
      await log.append(stream("a", 3, 3));
      await drainOnce("billing");
      expect(subscriber.seen).toEqual(stream("a", 1, 3).map(({ id }) => id));
      expect(late.seen).toHaveLength(2);
    });

    it("waits for a subscriber that is away, however long, and loses and buries nothing", async () => {
      await log.append(stream("a", 1, 3));
      const consumer = consumerOf("billing");
      subscriber.leave();
      await consumer.attempt(50);
      subscriber.comeBack();
      await consumer.drain();
      expect(subscriber.seen).toEqual(stream("a", 1, 3).map(({ id }) => id));
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
    });

    it("buries nothing whose failure is not the event's own, however long it lasts", async () => {
      subscriber.starved.add("order:a:1");
      await log.append([...stream("a", 1, 2), event("b", 1)]);
      const consumer = consumerOf("billing");
      await consumer.attempt(50);
      expect(subscriber.seen).toEqual(["order:b:1"]);
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
      subscriber.starved.clear();
      await consumer.drain();
      expect(subscriber.of("a")).toEqual(["order:a:1", "order:a:2"]);
    });

    it("lets the others go on while an aggregate fails, and keeps its order when it works again", async () => {
      subscriber.poison.add("order:a:2");
      const consumer = consumerOf("billing");
      await log.append([...stream("a", 1, 3), ...stream("b", 1, 3)]);
      await consumer.attempt(1);
      await log.append([event("a", 4), event("b", 4)]);
      await consumer.attempt(1);
      expect(subscriber.of("a")).toEqual(["order:a:1"]);
      expect(subscriber.of("b")).toEqual(stream("b", 1, 4).map(({ id }) => id));
      await clock.advance(1_000);
      await log.append([event("a", 5)]);
      await consumer.attempt(1);
      subscriber.poison.clear();
      await consumer.drain();
      expect(subscriber.of("a")).toEqual(stream("a", 1, 5).map(({ id }) => id));
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
    });

    it("does not pass over a failing event when it starts anew", async () => {
      subscriber.poison.add("order:a:1");
      await log.append([...stream("a", 1, 2), ...stream("b", 1, 2)]);
      const first = consumerOf("billing");
      await first.attempt(1);
      await first.stop();
      subscriber.poison.clear();
      await drainOnce("billing");
      expect(subscriber.of("a")).toEqual(["order:a:1", "order:a:2"]);
    });

    it("parks only the aggregate of a poison event, and replay delivers it and what came after in order", async () => {
      subscriber.poison.add("order:a:2");
      const consumer = consumerOf("billing");
      await log.append([...stream("a", 1, 3), ...stream("b", 1, 3)]);
      await consumer.drain();
      await log.append([event("a", 4), event("b", 4)]);
      await consumer.drain();
      expect(subscriber.seen.filter(id => id.startsWith("order:a:"))).toEqual(["order:a:1"]);
      expect(subscriber.of("b")).toHaveLength(4);
      expect(subscriber.parked).toEqual(new Map([["order:a", 2]]));
      const letters = await log.deadLetters({ subscriber: "billing", limit: 10 });
      expect(letters.map(({ event: { id } }) => id)).toEqual(["order:a:2", "order:a:3", "order:a:4"]);
      expect(letters[0]).toMatchObject({ error: "cannot take this", attempts: 5, subject: "order:a" });

      expect(await consumer.replay()).toEqual({ replayed: 0, left: 3 });
      subscriber.poison.clear();
      expect(await consumer.replay()).toEqual({ replayed: 3, left: 0 });
      await log.append([event("a", 5)]);
      await consumer.drain();
      expect(subscriber.of("a")).toEqual(stream("a", 1, 5).map(({ id }) => id));
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
      expect(subscriber.parked.size).toBe(0);
    });

    it("loses no failing event when the log fails while another is buried", async () => {
      subscriber.poison.add("order:a:1").add("order:b:1");
      subscriber.parked.set("order:c", 1);
      await log.append([event("c", 1), event("a", 1), event("b", 1)]);
      let broken = true;
      const failing: EventLog = {
        ...methodsOf(log),
        bury: letters => (broken ? Promise.reject(new Error("disk")) : log.bury(letters)),
      };
      const consumer = consumerOf("billing", subscriber, failing);
      await expect(consumer.drain()).rejects.toThrow("disk");
      broken = false;
      subscriber.poison.clear();
      await consumer.drain();
      expect(subscriber.seen.toSorted()).toEqual(["order:a:1", "order:b:1"]);
      expect((await log.deadLetters({ limit: 10 })).map(({ event: { id } }) => id)).toEqual(["order:c:1"]);
    });

    it("keeps a dead letter once, and pages through them", async () => {
      const letter = (position: number, subscriberName: string) => ({
        position,
        subscriber: subscriberName,
        subject: "stock:BANK CHARGES",
        event: event("a", position),
        error: "e",
        attempts: 5,
        at: timestamp(0),
      });
      const all = [letter(1, "billing"), letter(1, "order"), letter(2, "billing")];
      await log.bury(all);
      await log.bury([{ ...letter(1, "billing"), position: 9 }]);
      const first = await log.deadLetters({ limit: 2 });
      expect(first).toEqual(all.slice(0, 2));
      expect(await log.deadLetters({ limit: 2, after: { position: 1, subscriber: "order" } })).toEqual(all.slice(2));
      await log.unbury([letter(1, "billing")]);
      expect(await log.deadLetters({ subscriber: "billing", limit: 9 })).toEqual(all.slice(2));
    });
  });
}
