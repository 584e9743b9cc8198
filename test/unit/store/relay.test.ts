// How events leave the outboxes: in order, at least once and mostly once, and never past one that the log refuses.
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import { fail } from "../../../core/errors.ts";
import { write, type CollectionSpec } from "../../../core/store/port.ts";
import { createRelay } from "../../../core/store/relay.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase, type MemoryStorage } from "../../support/memory-driver.ts";

const specOf = (name: string): CollectionSpec<{ n: number }> => ({
  name,
  aggregate: name,
  indexes: [],
  schemaVersion: 1,
});
const low = (n: number) =>
  ({ type: "stock.low.v1", data: { sku: "A", onHand: n, reserved: 0, allocated: 0, available: n } }) as const;

describe("The relay", () => {
  let clock: ManualClock;
  let storage: MemoryStorage;
  let log: string[];
  let reported: string[];
  let append: (events: CloudEvent[]) => Promise<void>;
  beforeEach(() => {
    clock = createManualClock();
    storage = createMemoryStorage();
    log = [];
    reported = [];
    append = events => {
      log.push(...events.map(({ id }) => id));
      return Promise.resolve();
    };
  });

  /** A process: a crashed one is just not used any more. */
  function start(options: { takeOverMs?: number; onPass?: () => void } = {}) {
    const random = createManualRandom();
    const report = (message: string) => void reported.push(message);
    const database = openMemoryDatabase(storage, {
      clock,
      random,
      outboxBound: 10_000,
      onCommit: () => {
        relay.kick();
      },
    });
    const [stock, order] = [database.collection(specOf("stock")), database.collection(specOf("order"))];
    const logger = { warn: report, error: report };
    const relay = createRelay({
      stores: () => database.stores(),
      append: events => append(events),
      clock,
      random,
      logger,
      ...options,
    });
    const happen = (store: typeof stock, id: string) =>
      store.update(id, current => write({ n: (current?.state.n ?? 0) + 1 }, [low(current?.state.n ?? 0)], null));
    return { relay, stock, order, happen };
  }

  /** Events of one aggregate in the order of their first occurrences in the log. */
  const firsts = (aggregate: string) => [...new Set(log.filter(id => id.startsWith(`${aggregate}:`)))];

  it("publishes all collections of a database, oldest first per aggregate, and takes them out of the outbox", async () => {
    const { relay, stock, order, happen } = start();
    for (const id of ["a", "b", "a"]) await happen(stock, id);
    await happen(order, "a");
    expect(await relay.round()).toBe("published");
    expect(log.toSorted()).toEqual(["order:a:1", "stock:a:1", "stock:a:2", "stock:b:1"]);
    expect(firsts("stock:a")).toEqual(["stock:a:1", "stock:a:2"]);
    expect(await stock.pending(10)).toEqual([]);
    expect(await relay.round()).toBe("idle");
  });

  it("appends no more at once than one message to another process may hold", async () => {
    const { relay, stock } = start();
    const sku = "A".repeat(2_000);
    const large = { type: "stock.low.v1", data: { ...low(1).data, sku } } as const;
    const sizes: number[] = [];
    append = events => {
      sizes.push(Buffer.byteLength(JSON.stringify(events)));
      log.push(...events.map(({ id }) => id));
      return Promise.resolve();
    };
    const ids = Array.from({ length: 900 }, (_, n) => `item-${String(n)}`);
    await Promise.all(ids.map(id => stock.update(id, () => write({ n: 1 }, [large], null))));
    while ((await relay.round()) === "published");
    expect(log.toSorted()).toEqual(ids.map(id => `stock:${id}:1`).toSorted());
    expect(Math.max(...sizes)).toBeLessThan(700_000);
  });

  it("publishes soon after a commit, and by its sweep what a dead process left", async () => {
    const dead = start();
    await dead.happen(dead.stock, "left");
    const { relay, stock, happen } = start();
    relay.start();
    await happen(stock, "a");
    await clock.advance(10);
    expect(log).toEqual(["stock:a:1"]);
    await clock.advance(4_900);
    expect(log).toEqual(["stock:a:1"]);
    await clock.advance(2_600);
    expect(log).toEqual(["stock:a:1", "stock:left:1"]);
    relay.stop();
  });

  it("sweeps at once what it finds when there is no other process", async () => {
    const dead = start();
    await dead.happen(dead.stock, "left");
    const { relay } = start({ takeOverMs: 0 });
    expect(await relay.round()).toBe("published");
    expect(log).toEqual(["stock:left:1"]);
  });

  it("publishes each event once when several processes write", async () => {
    const processes = [start(), start(), start()];
    for (const { relay } of processes) relay.start();
    for (let turn = 0; turn < 40; turn += 1) {
      for (const [index, { stock, happen }] of processes.entries())
        await happen(stock, `${String(index)}.${String(turn)}`);
      await clock.advance(500);
    }
    expect(log).toHaveLength(120);
    expect(new Set(log).size).toBe(120);
    for (const { relay } of processes) relay.stop();
  });

  it("publishes first what another process wrote before on the same aggregate", async () => {
    const [one, two] = [start(), start()];
    await one.happen(one.stock, "a");
    await two.happen(two.stock, "a");
    await one.happen(one.stock, "a");
    expect(await two.relay.round()).toBe("published");
    expect(log).toEqual(["stock:a:1", "stock:a:2", "stock:a:3"]);
    await one.relay.round();
    expect(log).toHaveLength(3);
  });

  it("keeps the order of first occurrences when what a peer appends comes late", async () => {
    const [one, two] = [start(), start()];
    const works = append;
    await one.happen(one.stock, "a");
    const late = Promise.withResolvers<undefined>();
    append = async events => {
      await late.promise;
      await works(events);
    };
    const slow = one.relay.round();
    await clock.advance(0);
    append = works;
    await two.happen(two.stock, "a");
    await two.relay.round();
    late.resolve(undefined);
    await slow;
    expect(firsts("stock:a")).toEqual(["stock:a:1", "stock:a:2"]);
    expect(await two.stock.pending(10)).toEqual([]);
  });

  it("leaves to each process its turn when the log was away from all of them", async () => {
    const [one, two] = [start(), start()];
    const works = append;
    append = () => Promise.reject(new Error("away"));
    for (const { relay } of [one, two]) relay.start();
    for (let n = 0; n < 50; n += 1) {
      await one.happen(one.stock, `1.${String(n)}`);
      await two.happen(two.stock, `2.${String(n)}`);
    }
    await clock.advance(60_000);
    append = async events => {
      await clock.sleep(3_000);
      await works(events);
    };
    await clock.advance(30_000);
    expect(log).toHaveLength(100);
    expect(new Set(log).size).toBe(100);
    for (const { relay } of [one, two]) relay.stop();
  });

  it("comes to the end of more documents and more events than one pass takes", async () => {
    const { relay, stock, happen } = start();
    for (let n = 0; n < 1_200; n += 1) await happen(stock, "busy");
    for (let n = 0; n < 600; n += 1) await happen(stock, `d${String(n)}`);
    await clock.until(relay.drain(clock.now() + 1_000));
    expect(await stock.pending(10)).toEqual([]);
    expect(firsts("stock:busy")).toEqual(Array.from({ length: 1_200 }, (_, n) => `stock:busy:${String(n + 1)}`));
  });

  it("publishes again what was appended but not acknowledged when the process died, in order", async () => {
    const dead = start();
    for (let n = 0; n < 3; n += 1) await dead.happen(dead.stock, "a");
    const works = append;
    append = async events => {
      await works(events.slice(0, 2));
      throw new Error("died here");
    };
    expect(await dead.relay.round()).toBe("failed");
    append = works;
    await clock.advance(5_000);
    const next = start();
    expect(await next.relay.round()).toBe("published");
    expect(log).toEqual(["stock:a:1", "stock:a:2", "stock:a:1", "stock:a:2", "stock:a:3"]);
  });

  it("tries again with growing pauses while the log is away, and says so once", async () => {
    const { relay, stock, happen } = start();
    const works = append;
    let tries = 0;
    append = () => {
      tries += 1;
      return Promise.reject(new Error("away"));
    };
    await happen(stock, "a");
    relay.start();
    await clock.advance(10_000);
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(60);
    expect(reported).toEqual(["The event log does not take events; they wait in the outbox"]);
    append = works;
    await clock.advance(5_000);
    expect(log).toEqual(["stock:a:1"]);
    relay.stop();
  });

  it("comes again within 2 s however long the log was away: orders may be refused for a full outbox till then", async () => {
    const { relay, stock, happen } = start();
    const tries: number[] = [];
    append = () => {
      tries.push(clock.now());
      return Promise.reject(new Error("away"));
    };
    await happen(stock, "a");
    relay.start();
    await clock.advance(120_000);
    relay.stop();
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000);
    expect(Math.max(...pauses)).toBeGreaterThan(1_000);
  });

  it("tells that nothing waits any more, also when another process has published it", async () => {
    let passes = 0;
    const { relay, stock, happen } = start({ onPass: () => (passes += 1) });
    const works = append;
    append = () => Promise.reject(new Error("away"));
    await happen(stock, "a");
    relay.start();
    await clock.advance(10_000);
    expect(passes).toBe(0);
    append = works;
    await start().relay.round();
    expect(log).toEqual(["stock:a:1"]);
    await clock.advance(10_000);
    expect(log).toEqual(["stock:a:1"]);
    expect(passes).toBeGreaterThan(0);
    relay.stop();
  });

  it("never has two appends under way", async () => {
    const { relay, stock, happen } = start();
    let [running, most] = [0, 0];
    append = async () => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(10);
      running -= 1;
    };
    await happen(stock, "a");
    await clock.until(Promise.all([relay.round(), relay.round(), relay.drain(clock.now() + 1_000)]));
    expect(most).toBe(1);
  });

  it("parks the stream of an event that the log refuses, and publishes all others", async () => {
    const { relay, stock, happen } = start();
    const works = append;
    append = events =>
      events.some(({ id }) => id === "stock:a:2") ? Promise.reject(fail("VALIDATION_FAILED", "no")) : works(events);
    for (const id of ["a", "a", "b", "a", "c"]) await happen(stock, id);
    expect(await relay.round()).toBe("published");
    expect(log).toEqual(["stock:a:1", "stock:b:1", "stock:c:1"]);
    expect(relay.parked()).toEqual(["stock:a"]);
    await happen(stock, "b");
    await relay.round();
    expect(log.at(-1)).toBe("stock:b:2");
    expect(await relay.round()).toBe("idle");
    expect((await stock.pending(10)).map(({ id }) => id)).toEqual(["stock:a:2", "stock:a:3"]);
    expect(reported).toHaveLength(1);
  });

  it("lets nothing of a stream overtake the event that the log refuses, however large a pass is", async () => {
    const { relay, stock, happen } = start();
    const works = append;
    append = events =>
      events.some(({ id }) => id === "stock:a:1") ? Promise.reject(fail("VALIDATION_FAILED", "no")) : works(events);
    // Each more than half of what one append takes.
    const large = { ...low(0), data: { ...low(0).data, sku: "A".repeat(400_000) } };
    for (let n = 0; n < 2; n += 1) await stock.update("a", () => write({ n }, [large], null));
    await happen(stock, "b");
    expect(await relay.round()).toBe("published");
    expect(log).toEqual(["stock:b:1"]);
    expect((await stock.pending(10)).map(({ id }) => id)).toEqual(["stock:a:1", "stock:a:2"]);
  });

  it("tries a parked stream again after a minute, in order, when the log takes it by then", async () => {
    const { relay, stock, happen } = start();
    const works = append;
    append = events =>
      events.some(({ id }) => id === "stock:a:1") ? Promise.reject(fail("VALIDATION_FAILED", "no")) : works(events);
    for (const id of ["a", "a"]) await happen(stock, id);
    await relay.round();
    append = works;
    await clock.until(clock.sleep(30_000));
    await relay.round();
    expect([log, relay.parked()]).toEqual([[], ["stock:a"]]);
    await clock.until(clock.sleep(40_000));
    await relay.round();
    expect([log, relay.parked()]).toEqual([["stock:a:1", "stock:a:2"], []]);
  });

  it("drains until nothing is left, and not beyond its deadline", async () => {
    const { relay, stock, happen } = start();
    await happen(stock, "a");
    await clock.until(relay.drain(clock.now() + 1_000));
    expect(log).toEqual(["stock:a:1"]);
    append = () => new Promise(() => undefined);
    await happen(stock, "a");
    const begun = clock.now();
    await clock.until(relay.drain(begun + 1_000));
    expect(clock.now()).toBe(begun + 1_000);
  });
});
