// What every event log promises, and what delivery makes of it: nothing lost, in order per aggregate, and a poison event
// stops its own aggregate only.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { aggregateOf } from "../../core/reactions.ts";
import { createDelivery, type Delivery } from "../../services/bridge/delivery.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../support/manual-clock.ts";

const TYPES = ["order.placed.v1", "stock.low.v1"];

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

/** @param prepare makes a fresh place for a log; `open` may be called again on it, as after a crash. */
export function eventLogContract(
  name: string,
  prepare: () => { open: (clock: ManualClock) => EventLog; remove: () => void },
): void {
  describe(`The ${name} event log`, () => {
    let clock: ManualClock;
    let place: ReturnType<typeof prepare>;
    let log: EventLog;
    let subscriber: ReturnType<typeof createSubscriber>;

    beforeEach(() => {
      clock = createManualClock();
      place = prepare();
      log = place.open(clock);
      subscriber = createSubscriber();
    });
    afterEach(() => {
      log.close();
      place.remove();
    });

    const deliveryOf = (group: string, to = subscriber, from: EventLog = log): Delivery =>
      createDelivery({ ...to, log: from, subscriber: group, types: TYPES, clock, random: createManualRandom() });

    /** Until the log has nothing left and nothing waits for another attempt. */
    async function drain(delivery: Delivery): Promise<void> {
      for (let wait = await delivery.round(); wait !== null; wait = await delivery.round()) await clock.advance(wait);
    }
    const read = async (types = TYPES) => (await log.read(0, types, 1_000)).entries.map(({ event: { id } }) => id);

    it("gives back what was appended, in order", async () => {
      await log.append(stream("a", 1, 3));
      await log.append(stream("b", 1, 2));
      expect(await read()).toEqual(["order:a:1", "order:a:2", "order:a:3", "order:b:1", "order:b:2"]);
    });

    it("keeps each batch together when many are appended at once", async () => {
      await Promise.all(["a", "b", "c"].map(subject => log.append(stream(subject, 1, 5))));
      expect(await read()).toEqual(["a", "b", "c"].flatMap(subject => stream(subject, 1, 5).map(({ id }) => id)));
    });

    it("has what it confirmed when it is opened again after a crash", async () => {
      await log.append(stream("a", 1, 3));
      await log.commit("billing", 2);
      const again = place.open(clock);
      expect((await again.read(0, TYPES, 10)).entries).toHaveLength(3);
      expect(await again.committed("billing")).toBe(2);
      again.close();
    });

    it("does not go back to what a late commit says", async () => {
      await log.commit("billing", 5);
      await log.commit("billing", 3);
      await log.commit("billing", 6);
      expect(await log.committed("billing")).toBe(6);
      await log.commit("billing", 1);
      expect(await log.committed("billing")).toBe(6);
    });

    it("leaves out other types and says how far it has looked", async () => {
      await log.append([event("a", 1), event("a", 2, "stock.low.v1"), event("a", 3)]);
      const { entries, upTo } = await log.read(0, ["stock.low.v1"], 10);
      expect(entries.map(({ event: { id } }) => id)).toEqual(["order:a:2"]);
      expect((await log.read(upTo, TYPES, 10)).entries).toEqual([]);
      expect((await log.read(0, TYPES, 2)).upTo).toBeLessThan(upTo);
    });

    it("delivers in order per aggregate, once while nothing fails", async () => {
      for (let sequence = 1; sequence <= 300; sequence += 1)
        await log.append([event("a", sequence), event("b", sequence)]);
      await drain(deliveryOf("billing"));
      expect(subscriber.of("a")).toEqual(stream("a", 1, 300).map(({ id }) => id));
      expect(subscriber.of("b")).toEqual(stream("b", 1, 300).map(({ id }) => id));
    });

    it("delivers again what was taken but not committed before a crash", async () => {
      await log.append(stream("a", 1, 3));
      const dying = { ...logOf(log), commit: () => Promise.reject(new Error("killed")) };
      await expect(deliveryOf("billing", subscriber, dying).round()).rejects.toThrow("killed");
      await drain(deliveryOf("billing"));
      expect(subscriber.seen).toEqual([...stream("a", 1, 3), ...stream("a", 1, 3)].map(({ id }) => id));
    });

    it("delivers to each group on its own, to a new one from the beginning", async () => {
      await log.append(stream("a", 1, 2));
      await drain(deliveryOf("billing"));
      const late = createSubscriber();
      await drain(deliveryOf("statistics", late));
      expect(late.seen).toEqual(subscriber.seen);
      await log.append(stream("a", 3, 3));
      await drain(deliveryOf("billing"));
      expect(subscriber.seen).toEqual(stream("a", 1, 3).map(({ id }) => id));
      expect(late.seen).toHaveLength(2);
    });

    it("waits for a subscriber that is away, however long, and loses and buries nothing", async () => {
      await log.append(stream("a", 1, 3));
      const delivery = deliveryOf("billing");
      subscriber.leave();
      for (let attempt = 0; attempt < 50; attempt += 1) await clock.advance((await delivery.round()) ?? 0);
      subscriber.comeBack();
      await drain(delivery);
      expect(subscriber.seen).toEqual(stream("a", 1, 3).map(({ id }) => id));
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
    });

    it("buries nothing whose failure is not the event's own, however long it lasts", async () => {
      subscriber.starved.add("order:a:1");
      await log.append([...stream("a", 1, 2), event("b", 1)]);
      const delivery = deliveryOf("billing");
      for (let attempt = 0; attempt < 50; attempt += 1) await clock.advance((await delivery.round()) ?? 0);
      expect(subscriber.seen).toEqual(["order:b:1"]);
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
      subscriber.starved.clear();
      await drain(delivery);
      expect(subscriber.of("a")).toEqual(["order:a:1", "order:a:2"]);
    });

    it("lets the others go on while an aggregate fails, and keeps its order when it works again", async () => {
      subscriber.poison.add("order:a:2");
      const delivery = deliveryOf("billing");
      await log.append([...stream("a", 1, 3), ...stream("b", 1, 3)]);
      await delivery.round();
      await log.append([event("a", 4), event("b", 4)]);
      await delivery.round();
      expect(subscriber.of("a")).toEqual(["order:a:1"]);
      expect(subscriber.of("b")).toEqual(stream("b", 1, 4).map(({ id }) => id));
      await clock.advance(1_000);
      await log.append([event("a", 5)]);
      await delivery.round();
      subscriber.poison.clear();
      await drain(delivery);
      expect(subscriber.of("a")).toEqual(stream("a", 1, 5).map(({ id }) => id));
      expect(await log.deadLetters({ limit: 10 })).toEqual([]);
    });

    it("does not pass over a failing event when it starts anew", async () => {
      subscriber.poison.add("order:a:1");
      await log.append([...stream("a", 1, 2), ...stream("b", 1, 2)]);
      await deliveryOf("billing").round();
      subscriber.poison.clear();
      await drain(deliveryOf("billing"));
      expect(subscriber.of("a")).toEqual(["order:a:1", "order:a:2"]);
    });

    it("parks only the aggregate of a poison event, and replay delivers it and what came after in order", async () => {
      subscriber.poison.add("order:a:2");
      const delivery = deliveryOf("billing");
      await log.append([...stream("a", 1, 3), ...stream("b", 1, 3)]);
      await drain(delivery);
      await log.append([event("a", 4), event("b", 4)]);
      await drain(delivery);
      expect(subscriber.seen.filter(id => id.startsWith("order:a:"))).toEqual(["order:a:1"]);
      expect(subscriber.of("b")).toHaveLength(4);
      expect(subscriber.parked).toEqual(new Map([["order:a", 2]]));
      const letters = await log.deadLetters({ subscriber: "billing", limit: 10 });
      expect(letters.map(({ event: { id } }) => id)).toEqual(["order:a:2", "order:a:3", "order:a:4"]);
      expect(letters[0]).toMatchObject({ error: "cannot take this", attempts: 5, subject: "order:a" });

      expect(await delivery.replay()).toEqual({ replayed: 0, left: 3 });
      subscriber.poison.clear();
      expect(await delivery.replay()).toEqual({ replayed: 3, left: 0 });
      await log.append([event("a", 5)]);
      await drain(delivery);
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
        ...logOf(log),
        bury: letters => (broken ? Promise.reject(new Error("disk")) : log.bury(letters)),
      };
      const delivery = deliveryOf("billing", subscriber, failing);
      await expect(delivery.round()).rejects.toThrow("disk");
      broken = false;
      subscriber.poison.clear();
      await drain(delivery);
      expect(subscriber.seen).toEqual(["order:a:1", "order:b:1"]);
      expect((await log.deadLetters({ limit: 10 })).map(({ event: { id } }) => id)).toEqual(["order:c:1"]);
    });

    it("keeps a dead letter once, and pages through them", async () => {
      const letter = (position: number, subscriberName: string) => ({
        position,
        subscriber: subscriberName,
        subject: "order:a",
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
      await log.unbury("billing", ["order:a:1"]);
      expect(await log.deadLetters({ subscriber: "billing", limit: 9 })).toEqual(all.slice(2));
    });
  });
}

/** The log's methods as an object of their own, so that a test can replace one. */
const logOf = (log: EventLog): EventLog => ({
  append: events => log.append(events),
  read: (after, types, limit) => log.read(after, types, limit),
  committed: group => log.committed(group),
  commit: (group, position) => log.commit(group, position),
  bury: letters => log.bury(letters),
  deadLetters: query => log.deadLetters(query),
  unbury: (subscriber, ids) => log.unbury(subscriber, ids),
  close: () => {
    log.close();
  },
});
