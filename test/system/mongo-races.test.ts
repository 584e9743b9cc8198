// What only MongoDB has to promise: entries one write behind, names of any kind, indexes, and processes that race.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Driver, StoredDocument, StoredEntry, Write } from "../../core/store/driver.ts";
import type { MongoConnection } from "../../core/store/mongo-adapter.ts";
import { createMongoDriver } from "../../core/store/mongo-driver.ts";
import { keep, write, type CollectionSpec, type DocumentStore, type Entry } from "../../core/store/port.ts";
import { systemClock } from "../../core/system.ts";
import { startMongo } from "../../scripts/support/servers.ts";
import { mongoStorage, type MongoStorage } from "../support/mongo-storage.ts";
import { connect, type Client } from "../support/store-client.ts";

interface Thing {
  readonly n: number;
}
const things: CollectionSpec<unknown> = { name: "thing", aggregate: "thing", indexes: [], schemaVersion: 1 };
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

let url = process.env["MONGO_URL"] ?? "";
let stop = (): Promise<void> => Promise.resolve();
let storage: MongoStorage;
let connections: MongoConnection[];

beforeAll(async () => {
  if (url !== "") return;
  const server = await startMongo({ inMemory: true });
  url = server.url;
  stop = () => server.stop();
});
afterAll(() => stop());
beforeEach(() => {
  storage = mongoStorage(url);
  connections = [];
});
afterEach(async () => {
  for (const connection of connections) await connection.disconnect();
  await storage.remove();
});

async function driver(spec = things, clock = systemClock): Promise<Driver> {
  const connection = storage.connection();
  connections.push(connection);
  await connection.connect();
  return createMongoDriver(spec, connection, clock);
}

let writeIds = 0;
/** The next version of what was read. */
function next(
  id: string,
  before: StoredDocument | null,
  entries: Readonly<Record<string, StoredEntry | null>> = {},
  change: { state?: Record<string, unknown>; data?: unknown } = {},
): Write {
  const expected = before?.version ?? 0;
  const seq = (before?.seq ?? 0) + (change.data === undefined ? 0 : 1);
  const writes = [...(before?.writes ?? []), [expected + 1, `w${String((writeIds += 1))}`] as const].slice(-16);
  const state = change.state ?? { n: expected + 1 };
  const event = { id: `${id}:${String(seq)}`, subject: id, sequence: seq, data: change.data } as CloudEvent;
  return {
    document: { id, version: expected + 1, seq, schemaVersion: 1, writes, state },
    expected,
    events: change.data === undefined ? [] : [event],
    entries: new Map(Object.entries(entries)),
  };
}
const entry = (value: unknown, dueAt: number | null = null): StoredEntry => ({ value, dueAt });
async function read(from: Driver, keys: readonly string[], id = "a") {
  const [loaded] = await from.read([{ id, keys, dueBy: null }]);
  if (loaded === undefined) throw new Error("The driver answered nothing");
  return loaded;
}
async function change(by: Driver, entries: Parameters<typeof next>[2], id = "a"): Promise<void> {
  const { document } = await read(by, Object.keys(entries ?? {}), id);
  expect(await by.write([next(id, document, entries)])).toEqual([{ kind: "written" }]);
}

describe("Entries in MongoDB", () => {
  it("that a slow writer moves late do not come before those of who overtook it", async () => {
    const [slow, fast] = [await driver(), await driver()];
    await change(slow, { k: entry("old"), gone: entry("old"), other: entry(1) });
    const { document } = await read(slow, ["k", "gone"]);
    const late = next("a", document, { k: entry("never") });
    await change(fast, { k: entry("new"), gone: null });
    await change(fast, { other: entry(2) });
    await change(fast, { other: entry(3) });
    expect(await slow.write([late])).toEqual([{ kind: "conflict" }]);
    for (const each of [slow, fast, await driver()]) {
      const { entries } = await read(each, ["k", "gone", "other"]);
      expect(entries).toEqual(
        new Map([
          ["k", entry("new")],
          ["other", entry(3)],
        ]),
      );
    }
  });

  it("are of the document's own version for every reader, whoever writes meanwhile", async () => {
    const keys = times(6, index => `k${String(index)}`);
    const clients: Client[] = [await connect(storage), await connect(storage), await connect(storage)];
    const stores = clients.map(({ database }) => database.collection<Thing, number>(things as CollectionSpec<Thing>));
    const sum = (entries: ReadonlyMap<string, Entry<number>>) =>
      [...entries.values()].reduce((total, { value }) => total + value, 0);
    const add = async (store: DocumentStore<Thing, number> | undefined, key: string) =>
      store?.update(
        "a",
        (current, entries) => ({
          ...write<Thing, null>({ n: (current?.state.n ?? 0) + 1 }, [], null),
          entries: new Map([[key, { value: (entries.get(key)?.value ?? 0) + 1, dueAt: null }]]),
        }),
        { entries: [key] },
      );
    await add(stores[0], "k0");
    let writing = true;
    const seen: [n: number, sum: number][] = [];
    async function look(): Promise<void> {
      while (writing) {
        const looked = await stores[2]?.update("a", (current, entries) => keep([current?.state.n ?? 0, sum(entries)]), {
          entries: keys,
        });
        if (looked !== undefined) seen.push(looked.result as [number, number]);
        const [whole] = (await stores[2]?.loadWhole(["a"])) ?? [];
        if (whole !== undefined) seen.push([whole.document.state.n, sum(whole.entries)]);
      }
    }
    const looking = look();
    for (let round = 0; round < 60; round += 1)
      await Promise.all([
        add(stores[0], `k${String((round * 5) % 6)}`),
        add(stores[1], `k${String((round * 5 + 1) % 6)}`),
      ]);
    writing = false;
    await looking;
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.filter(([n, total]) => n !== total)).toEqual([]);
    expect(seen.at(-1)?.[0]).toBeLessThanOrEqual(121);
    for (const each of clients) await each.close();
  });

  it("are never shown with a document of an earlier version", async () => {
    const store = await driver();
    await change(store, { k: entry("one") });
    await change(store, { other: entry("x") });
    const documents = connections[0]?.db().collection<{ _id: string }>("thing");
    const rows = connections[0]?.db().collection("thing_entries");
    // As a reader sees it that read the document before two others wrote, and the rows after.
    await rows?.updateOne({ key: "k" }, { $set: { v: 3, value: "three" } });
    for (const ask of [{ keys: ["k"] }, { keys: [], whole: true }])
      await expect(store.read([{ id: "a", dueBy: null, ...ask }])).rejects.toMatchObject({ type: "CONFLICT" });
    await documents?.updateOne({ _id: "a" }, { $set: { version: 4 } });
    expect((await read(store, ["k"])).entries.get("k")).toEqual(entry("three"));
  });

  it("are due by what the document says, also while its rows say otherwise, and such rows do not hide others", async () => {
    const store = await driver();
    for (const id of ["a", "b"]) {
      await change(store, { done: entry(1, 10), kept: entry(1, 10), moved: entry(1, 10) }, id);
      await change(store, { done: null, moved: entry(1, 99) }, id);
    }
    await change(store, { last: entry(1, 50) }, "c");
    const due = [
      { id: "a", key: "kept" },
      { id: "b", key: "kept" },
      { id: "c", key: "last" },
    ];
    const found = await store.due(60, 3);
    expect(found.sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual(due);
    const [asked] = await store.read([{ id: "a", keys: [], dueBy: 60 }]);
    expect([...(asked?.entries.keys() ?? [])]).toEqual(["kept"]);
  });

  it("that were deleted lose their rows after an hour, and only then", async () => {
    const time = { now: Date.now() };
    const clock = { ...systemClock, now: () => time.now };
    const store = await driver(things, clock);
    await change(store, { k: entry(1), kept: entry(1) });
    await change(store, { k: null });
    await change(store, { other: entry(1) });
    const rows = async (): Promise<string[]> => {
      const found = connections[0]?.db().collection("thing_entries").find().sort({ key: 1 });
      return ((await found?.toArray()) ?? []).map(row => String(row["key"]));
    };
    time.now += 3_500_000;
    await store.due(time.now, 10);
    expect(await rows()).toEqual(["k", "kept"]);
    time.now += 200_000;
    await store.due(time.now, 10);
    expect(await rows()).toEqual(["kept"]);
  });
});

describe("Processes that race on one document of MongoDB", () => {
  it("win each version once, and lose no event, while others acknowledge", async () => {
    const racers = await Promise.all(times(3, () => driver()));
    const won: number[] = [];
    async function race(by: Driver): Promise<void> {
      for (let round = 0; round < 60; round += 1) {
        const { document } = await read(by, []);
        const write = next("a", document, {}, { data: {} });
        const [outcome] = await by.write([write]);
        if (outcome?.kind === "written") won.push(write.document.version);
      }
    }
    const published = new Set<number>();
    let racing = true;
    async function publish(by: Driver): Promise<void> {
      let previous = 0;
      for (let isLast = false; !isLast;) {
        isLast = !racing;
        const events = await by.pending(7, new Set());
        const fresh = events.filter(({ sequence }) => sequence > previous);
        expect(fresh.map(({ sequence }) => sequence)).toEqual(fresh.map((_event, index) => previous + 1 + index));
        for (const { sequence } of events) published.add(sequence);
        previous = events.at(-1)?.sequence ?? previous;
        if (events.length > 0) isLast = false;
        await by.acknowledge(events.length === 0 ? [] : [{ id: "a", seq: previous }]);
      }
    }
    const publishing = publish(await driver());
    await Promise.all(racers.map(race));
    racing = false;
    await publishing;
    expect(won.toSorted((a, b) => a - b)).toEqual(times(won.length, index => index + 1));
    expect([...published]).toEqual(times(won.length, index => index + 1));
    expect(won.length).toBeGreaterThanOrEqual(60);
  });

  it("are told apart when only some of the documents written together were still as expected", async () => {
    const [one, other] = [await driver(), await driver()];
    const ids = times(10, index => `d${String(index)}`);
    expect(await one.write(ids.map(id => next(id, null)))).toEqual(ids.map(() => ({ kind: "written" })));
    const loaded = await one.read(ids.map(id => ({ id, keys: [], dueBy: null })));
    for (const id of ids.filter((_id, index) => index % 3 === 0)) await change(other, {}, id);
    const outcomes = await one.write([
      ...loaded.map(({ document }, index) => next(ids[index] ?? "", document)),
      next("d1", null),
      next("new", null),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...ids.map((_id, index) => (index % 3 === 0 ? "conflict" : "written")),
      "conflict",
      "written",
    ]);
  });
});

describe("A document in MongoDB", () => {
  it("keeps names and values of every kind", async () => {
    const odd = {
      $set: 1,
      "a.b": { "": { "%": "%2E", "%2E": 2 } },
      _bsontype: "ObjectId",
      __proto: 3,
      $ref: "x",
      $id: 1,
    };
    const values = {
      big: 2 ** 53 - 1,
      negative: -(2 ** 40),
      half: 0.5,
      list: [null, [], { $x: [odd] }],
      empty: {},
      no: false,
    };
    const state = { ...odd, ...values, text: "\u0000 é \u{1f600}" };
    const key = "SKU.1$\u0000";
    const first = await driver();
    const made = next(
      "$a.b\u0000",
      null,
      { [key]: entry(state) },
      { state: { ...state, left: undefined }, data: state },
    );
    expect(await first.write([made])).toEqual([{ kind: "written" }]);
    const second = await driver();
    const loaded = await read(second, [key], "$a.b\u0000");
    expect(loaded.document?.state).toStrictEqual(state);
    expect(loaded.entries.get(key)?.value).toStrictEqual(state);
    expect((await second.pending(1, new Set()))[0]?.data).toStrictEqual(state);
    expect(await second.write([next("$a.b\u0000", loaded.document, { other: entry(1) })])).toEqual([
      { kind: "written" },
    ]);
    expect((await read(first, [key], "$a.b\u0000")).entries.get(key)?.value).toStrictEqual(state);
  });

  it("is found by a text taken literally, whatever it means in a pattern", async () => {
    const client = await connect(storage);
    const names = ["a.b", "axb", "(x", "\\d", "5", "[a]", "^a$", "a\u0000b"];
    await Promise.all(names.map(name => client.store.update(name, () => write({ n: 1, name }, [], null))));
    for (const name of names.filter(each => each !== "5")) {
      const { items } = await client.store.list({ contains: { field: "name", text: name }, limit: 9 });
      expect(items.map(({ id }) => id)).toEqual([name]);
    }
    await client.close();
  });
});

describe("A MongoDB database", () => {
  const indexed = (unique: boolean): CollectionSpec<unknown> => ({
    ...things,
    indexes: [{ on: ["number"], ...(unique ? { unique } : {}) }],
  });
  const start = (spec: CollectionSpec<unknown>): Promise<void> => {
    const connection = storage.connection();
    connections.push(connection);
    createMongoDriver(spec, connection, systemClock);
    return connection.connect();
  };

  it("gets its indexes from several processes that start at once", async () => {
    await Promise.all(times(4, () => start(indexed(true))));
    await start(indexed(true));
    const indexes = (await connections[0]?.db().collection("thing").indexes()) ?? [];
    expect(indexes.map(({ name }) => name).sort()).toEqual(["_id_", "fresh:due", "outbox", "unique:number"]);
  });

  it("with an index of other options is refused in a line that says what to do", async () => {
    await driver();
    await connections[0]?.db().collection("thing").createIndex({ "state.number": 1 }, { name: "unique:number" });
    await expect(start(indexed(true))).rejects.toThrow(/thing has an index that differs.*: drop it/);
  });

  it("with a value twice that must be unique is refused in a line that says what to do", async () => {
    const plain = await driver();
    const numbered = (id: string) => next(id, null, {}, { state: { number: "7" } });
    await plain.write([numbered("a"), numbered("b")]);
    await expect(start(indexed(true))).rejects.toThrow(/thing holds a value twice that must be unique: mend/);
  });
});
