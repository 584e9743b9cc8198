// How events leave the outboxes: in order, at least once, and never past one that the log refuses.
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
  function start() {
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
    });
    const happen = (store: typeof stock, id: string) =>
      store.update(id, current => write({ n: (current?.state.n ?? 0) + 1 }, [low(current?.state.n ?? 0)], null));
    return { relay, stock, order, happen };
  }

  it("publishes all collections of a database, oldest first per aggregate, and takes them out of the outbox", async () => {
    const { relay, stock, order, happen } = start();
    for (const id of ["a", "b", "a"]) await happen(stock, id);
    await happen(order, "a");
    expect(await relay.round()).toBe("published");
    expect(log).toEqual(["stock:a:1", "stock:b:1", "stock:a:2", "order:a:1"]);
    expect(await stock.pending(10)).toEqual([]);
    expect(await relay.round()).toBe("idle");
  });

  it("publishes soon after a commit, and by its sweep what a dead process left", async () => {
    await start().happen(start().stock, "left");
    const { relay, stock, happen } = start();
    relay.start();
    await clock.advance(0);
    expect(log).toEqual(["stock:left:1"]);
    await happen(stock, "a");
    await clock.advance(10);
    expect(log).toEqual(["stock:left:1", "stock:a:1"]);
    const other = start();
    await other.happen(other.stock, "b");
    await clock.advance(1_100);
    expect(log.at(-1)).toBe("stock:b:1");
    relay.stop();
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
    expect(await start().relay.round()).toBe("published");
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
