// What every adapter of the store promises, run against each of them.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { codeOf } from "../../core/errors.ts";
import { refusal } from "../../core/kernel/errors.ts";
import { keep, refuseWith, write, type CollectionSpec, type DocumentStore } from "../../core/store/port.ts";
import {
  connect,
  increment,
  put,
  storeOf,
  type Client,
  type Counter,
  type Note,
  type Storage,
} from "../support/store-client.ts";

const outOfStock = refuseWith(refusal("OUT_OF_STOCK", "None left"));
const codes = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map(result => (result.status === "rejected" ? (codeOf(result.reason) ?? String(result.reason)) : "ok"));
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** A gate that a hook waits at until the test opens it. */
function gate() {
  const { promise: opened, resolve: open } = Promise.withResolvers<undefined>();
  const { promise: reached, resolve: reach } = Promise.withResolvers<undefined>();
  return {
    reached,
    open: () => {
      open(undefined);
    },
    pass: async () => {
      reach(undefined);
      await opened;
    },
  };
}

interface Ratios {
  /** A write of a document with 1,000 unpublished events, to one of a document with none. */
  readonly fullOutbox: number;
}

export function storeContract(adapter: string, open: () => Promise<Storage>, ratios: Ratios = { fullOutbox: 3 }): void {
  describe(`DocumentStore on ${adapter}`, () => {
    let storage: Storage;
    let client: Client;
    let clients: Client[];
    let store: DocumentStore<Counter, Note>;

    async function another(bounds: Parameters<typeof connect>[1] = {}): Promise<Client> {
      const made = await connect(storage, bounds);
      clients.push(made);
      return made;
    }
    beforeEach(async () => {
      storage = await open();
      clients = [];
      client = await another();
      store = client.store;
    });
    afterEach(async () => {
      for (const each of clients) await each.close();
      await storage.remove();
    });

    describe("writing", () => {
      it("answers null for a document that does not exist, and makes it at version 1", async () => {
        expect(await store.load("a")).toBeNull();
        const made = await store.update("a", increment);
        expect(made).toEqual({ result: 1, document: { id: "a", version: 1, seq: 1, state: { n: 1 } } });
        expect(await store.load("a")).toEqual(made.document);
        expect((await store.loadMany(["x", "a"])).map(document => document.id)).toEqual(["a"]);
      });

      it("changes nothing for a verdict that keeps, and throws a refusal", async () => {
        expect(await store.update("a", () => keep("as it is"))).toEqual({ result: "as it is", document: null });
        await expect(store.update("a", () => outOfStock)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
        expect(await store.load("a")).toBeNull();
        expect(client.calls.get("write")).toBeUndefined();
      });

      it("loses none of 200 concurrent updates of one document, and writes them together", async () => {
        const answers = await Promise.all(times(200, () => store.update("a", increment)));
        expect(answers.map(answer => answer.document?.version)).toEqual(times(200, index => index + 1));
        expect(await store.load("a")).toMatchObject({ version: 200, seq: 200, state: { n: 200 } });
        expect(client.calls.get("write")).toBe(1);
      });

      it("shows each command the version that the one before it made, so that an If-Match lets only one through", async () => {
        await store.update("a", increment);
        const results = await Promise.allSettled(
          times(3, () => store.update("a", current => (current?.version === 1 ? increment(current) : outOfStock))),
        );
        expect(codes(results)).toEqual(["ok", "OUT_OF_STOCK", "OUT_OF_STOCK"]);
      });

      it("writes different documents of one moment in one call", async () => {
        await Promise.all(times(50, index => store.update(`d${String(index)}`, increment)));
        expect(client.calls.get("write")).toBe(1);
        expect(client.calls.get("read")).toBe(1);
      });

      it("reads nothing before it makes what is expected to be new", async () => {
        const made = await Promise.all(times(3, () => store.update("a", increment, { expectsNew: true })));
        expect(made.map(({ result }) => result)).toEqual([1, 2, 3]);
        expect([client.calls.get("read") ?? 0, client.calls.get("write")]).toEqual([0, 1]);
        expect(await store.load("a")).toMatchObject({ version: 3, state: { n: 3 } });
      });

      it("decides once more on what is there, though it was expected to be new", async () => {
        await store.update("a", increment);
        expect((await store.update("a", increment, { expectsNew: true })).result).toBe(2);
        expect((await store.update("a", current => keep(current?.state.n), { expectsNew: true })).result).toBe(2);
        const refusing = store.update("a", current => (current === null ? keep(null) : outOfStock), {
          expectsNew: true,
        });
        await expect(refusing).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
        expect((await store.update("new", current => keep(current), { expectsNew: true })).result).toBeNull();
        expect(storeOf(client).backlog()).toBe(2);
      });

      it("leaves the batch alone when one command is refused or its decision throws", async () => {
        const results = await Promise.allSettled([
          store.update("a", increment),
          store.update("a", () => outOfStock),
          store.update("a", () => {
            throw new Error("a mistake");
          }),
          store.update("a", increment),
        ]);
        expect(codes(results)).toEqual(["ok", "OUT_OF_STOCK", "Error: a mistake", "ok"]);
        expect(await store.load("a")).toMatchObject({ version: 2, state: { n: 2 } });
      });

      it("answers nobody before the write, not even a command that changed nothing but saw what is not written", async () => {
        const writing = gate();
        client.hooks.before = operation => (operation === "write" ? writing.pass() : undefined);
        const answered: string[] = [];
        const wrote = store.update("a", increment).then(() => answered.push("wrote"));
        const kept = store.update("a", current => keep(current?.state.n)).then(() => answered.push("kept"));
        await writing.reached;
        expect(answered).toEqual([]);
        writing.open();
        await Promise.all([wrote, kept]);
        expect(answered).toEqual(["wrote", "kept"]);
      });

      it("drops a command whose deadline has passed before deciding it", async () => {
        let decided = false;
        const late = store.update("a", () => ((decided = true), keep(null)), { deadline: client.time.now - 1 });
        await expect(late).rejects.toMatchObject({ type: "DEADLINE_EXCEEDED" });
        expect(decided).toBe(false);
        await store.update("a", increment, { deadline: client.time.now });
      });
    });

    describe("several processes", () => {
      it("lose no update of one document", async () => {
        const others = [store, (await another()).store, (await another()).store];
        await Promise.all(others.flatMap(other => times(20, () => other.update("a", increment))));
        expect(await store.load("a")).toMatchObject({ version: 60, seq: 60, state: { n: 60 } });
      });

      it("make a document once: who comes second decides on what the first made", async () => {
        const other = await another();
        const make = (who: DocumentStore<Counter, Note>) =>
          who.update("a", current => (current === null ? write({ n: 1 }, [], "made") : keep("found")));
        const results = await Promise.all([make(store), make(other.store)]);
        expect(results.map(({ result }) => result).sort()).toEqual(["found", "made"]);
      });

      it("decide all again on fresh state after a lost race, also what was refused because of it", async () => {
        const other = await another();
        await store.update("a", put({ n: 1 }));
        const writing = gate();
        client.hooks.before = operation => (operation === "write" ? writing.pass() : undefined);
        const take = store.update("a", current => write({ n: (current?.state.n ?? 0) - 1 }, [], "taken"));
        const second = store.update("a", current =>
          (current?.state.n ?? 0) > 0 ? write({ n: (current?.state.n ?? 0) - 1 }, [], "taken") : outOfStock,
        );
        await writing.reached;
        await other.store.update("a", put({ n: 2 }));
        writing.open();
        expect((await Promise.all([take, second])).map(({ result }) => result)).toEqual(["taken", "taken"]);
        expect(await store.load("a")).toMatchObject({ state: { n: 0 } });
      });

      it("end in CONFLICT, with nothing done, when others are always faster", async () => {
        const other = await another();
        let rivals = 0;
        client.hooks.before = async operation => {
          if (operation !== "write") return;
          rivals += 1;
          await other.store.update("a", increment);
        };
        await expect(store.update("a", increment)).rejects.toMatchObject({ type: "CONFLICT" });
        expect(await store.load("a")).toMatchObject({ state: { n: rivals } });
      });
    });

    describe("unknown outcomes", () => {
      const timeout = new Error("timed out");
      /** Fails the first write, applied or not. */
      function failOnce(when: "before" | "after", meanwhile: () => Promise<unknown> = () => Promise.resolve()): void {
        let failed = false;
        client.hooks[when] = async operation => {
          if (operation !== "write" || failed) return;
          failed = true;
          await meanwhile();
          throw timeout;
        };
      }
      const rival = async (count: number) => {
        const other = await another();
        return async () => {
          for (let made = 0; made < count; made += 1) await other.store.update("a", increment);
        };
      };

      it("a write that was applied is not applied twice", async () => {
        failOnce("after");
        const answers = await Promise.all(times(3, () => store.update("a", increment)));
        expect(answers.map(({ result }) => result)).toEqual([1, 2, 3]);
        expect(await store.load("a")).toMatchObject({ version: 3, seq: 3, state: { n: 3 } });
        expect(await store.pending(10)).toHaveLength(3);
      });

      it("a write that was not applied is written again", async () => {
        failOnce("before");
        expect(await store.update("a", increment)).toMatchObject({ result: 1 });
        expect(await store.load("a")).toMatchObject({ version: 1, state: { n: 1 } });
      });

      it("a write that was applied is recognised after others have written too", async () => {
        failOnce("after", await rival(5));
        expect(await store.update("a", increment)).toMatchObject({ result: 1 });
        expect(await store.load("a")).toMatchObject({ state: { n: 6 } });
      });

      it("a write that lost to another one is decided again", async () => {
        failOnce("before", await rival(2));
        expect(await store.update("a", increment)).toMatchObject({ result: 3 });
      });

      it("a write that fell out of the document's memory is OUTCOME_UNKNOWN, never guessed", async () => {
        failOnce("after", await rival(20));
        await expect(store.update("a", increment)).rejects.toMatchObject({ type: "OUTCOME_UNKNOWN" });
        expect(await store.load("a")).toMatchObject({ state: { n: 21 } });
      });
    });

    describe("unique indexes", () => {
      const numbered: CollectionSpec<{ number: string; note?: string }> = {
        name: "numbered",
        aggregate: "numbered",
        indexes: [{ on: ["number"], unique: true }],
        schemaVersion: 1,
      };
      const take = (who: Client, id: string, number: string) =>
        who.database.collection(numbered).update(id, current => write({ ...current?.state, number }, [], number));

      it("name the field, and spare the other documents of the moment", async () => {
        await take(client, "a", "1");
        const results = await Promise.allSettled([take(client, "b", "1"), take(client, "c", "2")]);
        expect(codes(results)).toEqual(["DUPLICATE", "ok"]);
        await expect(take(client, "b", "2")).rejects.toMatchObject({ type: "DUPLICATE", data: { field: "number" } });
      });

      it("do not refuse what is there already, though it was expected to be new", async () => {
        await take(client, "a", "1");
        const make = (id: string) =>
          client.database
            .collection(numbered)
            .update(id, current => (current === null ? write({ number: "1" }, [], "made") : keep("found")), {
              expectsNew: true,
            });
        expect((await make("a")).result).toBe("found");
        await expect(make("b")).rejects.toMatchObject({ type: "DUPLICATE", data: { field: "number" } });
      });

      it("refuse only the guilty one of several commands of a document", async () => {
        await take(client, "a", "1");
        const note = (text: string) =>
          client.database
            .collection(numbered)
            .update("b", current => write({ number: current?.state.number ?? "2", note: text }, [], text));
        const results = await Promise.allSettled([note("first"), take(client, "b", "1"), note("last")]);
        expect(codes(results)).toEqual(["ok", "DUPLICATE", "ok"]);
        expect(await client.database.collection(numbered).load("b")).toMatchObject({
          version: 2,
          state: { number: "2", note: "last" },
        });
      });

      it("do not stand in the way of a document that two processes make at the same moment: one makes it", async () => {
        const { reached, open: go, pass } = gate();
        const other = await another();
        other.hooks.before = operation => (operation === "write" ? pass() : undefined);
        const make = (who: Client) =>
          who.database
            .collection(numbered)
            .update("a", current => (current === null ? write({ number: "1" }, [], "made") : keep("found")));
        const slow = make(other);
        await reached;
        expect((await make(client)).result).toBe("made");
        go();
        expect((await slow).result).toBe("found");
      });

      it("free a value when its document takes another one", async () => {
        await take(client, "a", "1");
        await take(client, "a", "2");
        await take(client, "b", "1");
        await expect(take(await another(), "c", "2")).rejects.toMatchObject({ type: "DUPLICATE" });
      });
    });

    describe("entries", () => {
      const entry = (text: string, dueAt: number | null = null) => ({ value: { text }, dueAt });
      const set = (id: string, key: string, value: ReturnType<typeof entry> | null) =>
        store.update(
          id,
          current => ({
            ...write<Counter, null>(current?.state ?? { n: 0 }, [], null),
            entries: new Map([[key, value]]),
          }),
          { entries: [key] },
        );

      it("are read by key, written with the document and taken away again", async () => {
        await Promise.all([set("a", "x", entry("one")), set("a", "y", entry("two", 5))]);
        const { store: fresh } = await another();
        expect(await fresh.loadEntries("a", ["x", "y", "z"])).toEqual(
          new Map([
            ["x", entry("one")],
            ["y", entry("two", 5)],
          ]),
        );
        await set("a", "x", null);
        expect([...(await fresh.loadEntries("a", ["x", "y"])).keys()]).toEqual(["y"]);
        expect((await fresh.loadEntries("b", ["x"])).size).toBe(0);
      });

      it("are shown to the command that asked for them only, as the ones before it left them", async () => {
        await set("a", "x", entry("one"));
        const [, seen, unseen] = await Promise.all([
          set("a", "x", entry("two")),
          store.update("a", (_current, entries) => keep([...entries]), { entries: ["x", "z"] }),
          store.update("a", (_current, entries) => keep(entries.size), { entries: ["y"] }),
        ]);
        expect(seen.result).toEqual([["x", entry("two")]]);
        expect(unseen.result).toBe(0);
      });

      it("cannot be written without having been read", async () => {
        const blind = store.update("a", () => ({
          ...write<Counter, null>({ n: 1 }, [], null),
          entries: new Map([["x", entry("one")]]),
        }));
        await expect(blind).rejects.toThrow("Entry x is written without having been read");
        expect(await store.load("a")).toBeNull();
      });

      it("are read all together with their document and its unpublished events, of one moment", async () => {
        await Promise.all([set("a", "x", entry("one")), set("a", "y", entry("two", 5)), set("b", "z", entry("three"))]);
        await Promise.all(times(3, () => store.update("a", increment)));
        await store.acknowledge("a", 1);
        const { store: fresh } = await another();
        const [a, b, ...rest] = await fresh.loadWhole(["a", "nothing", "b"]);
        expect(a).toEqual({
          document: await store.load("a"),
          entries: new Map([
            ["x", entry("one")],
            ["y", entry("two", 5)],
          ]),
          pending: 2,
        });
        expect(b).toMatchObject({ document: { id: "b", seq: 0 }, pending: 0 });
        expect([...(b?.entries.keys() ?? [])]).toEqual(["z"]);
        expect(rest).toEqual([]);
      });

      it("are found by when they are due, earliest first", async () => {
        const { now } = client.time;
        await Promise.all([
          set("a", "late", entry("", now + 1)),
          set("a", "second", entry("", now)),
          set("b", "first", entry("", now - 5)),
          set("b", "never", entry("")),
        ]);
        expect(await store.due(now, 10)).toEqual([
          { id: "b", key: "first" },
          { id: "a", key: "second" },
        ]);
        expect(await store.due(now, 1)).toHaveLength(1);
        const due = await store.update("a", (_current, entries) => keep([...entries.keys()]), { entries: "due" });
        expect(due.result).toEqual(["second"]);
        client.time.now += 1;
        const later = await store.update("a", (_current, entries) => keep([...entries.keys()]), { entries: "due" });
        expect(later.result.sort()).toEqual(["late", "second"]);
      });
    });

    describe("the outbox", () => {
      it("holds CloudEvents, numbered per aggregate without gaps", async () => {
        await store.update("a", increment);
        const [event] = await store.pending(10);
        expect(event).toEqual({
          specversion: "1.0",
          id: "counter:a:1",
          source: "/comptoir/counter",
          type: "stock.low.v1",
          subject: "a",
          time: "2026-01-01T00:00:00.000Z",
          datacontenttype: "application/json",
          sequence: 1,
          data: { sku: "A", onHand: 1, reserved: 0, allocated: 0, available: 1 },
        });
        await Promise.all(times(40, index => store.update(index % 2 === 0 ? "a" : "b", increment)));
        const events = await store.pending(100);
        const seqs = (id: string) => events.filter(({ subject }) => subject === id).map(({ sequence }) => sequence);
        expect(seqs("a")).toEqual(times(21, index => index + 1));
        expect(seqs("b")).toEqual(times(20, index => index + 1));
      });

      it("gives the oldest first, without the aggregates that are parked", async () => {
        for (const id of ["a", "b", "a", "c"]) await store.update(id, increment);
        expect((await store.pending(3)).map(({ id }) => id)).toEqual(["counter:a:1", "counter:b:1", "counter:a:2"]);
        expect((await store.pending(9, new Set(["a"]))).map(({ id }) => id)).toEqual(["counter:b:1", "counter:c:1"]);
      });

      it("gives what some documents have, in order per document, whoever wrote it", async () => {
        const other = await another();
        for (const id of ["a", "b", "a", "c"]) await store.update(id, increment);
        await other.store.update("a", increment);
        await store.acknowledge("a", 1);
        const events = await store.pendingOf(["a", "c", "unknown"], 10);
        const of = (subject: string) => events.filter(event => event.subject === subject).map(({ id }) => id);
        expect(of("a")).toEqual(["counter:a:2", "counter:a:3"]);
        expect(of("c")).toEqual(["counter:c:1"]);
        expect(events).toHaveLength(3);
        expect((await store.pendingOf(["a"], 1)).map(({ id }) => id)).toEqual(["counter:a:2"]);
        expect(await store.pendingOf([], 10)).toEqual([]);
      });

      it("refuses events of a collection that is declared to have none", async () => {
        const quiet: CollectionSpec<{ n: number }> = {
          name: "quiet",
          aggregate: "quiet",
          indexes: [],
          eventless: true,
          schemaVersion: 1,
        };
        const collection = client.database.collection(quiet);
        await expect(collection.update("a", increment)).rejects.toThrow("quiet is declared eventless");
        await collection.update("a", () => write({ n: 1 }, [], null));
        expect(await collection.load("a")).toMatchObject({ version: 1, seq: 0 });
      });

      it("keeps an event until it is acknowledged; that is no new version, and repeating does no harm", async () => {
        await Promise.all(times(3, () => store.update("a", increment)));
        await store.update("b", increment);
        await Promise.all([store.acknowledge("a", 2), store.acknowledge("a", 2), store.acknowledge("x", 1)]);
        await store.acknowledge("a", 1);
        expect((await store.pending(9)).map(({ id }) => id)).toEqual(["counter:a:3", "counter:b:1"]);
        expect(await store.load("a")).toMatchObject({ version: 3, seq: 3 });
        await store.acknowledge("a", 3);
        expect(await store.update("a", increment)).toMatchObject({ document: { version: 4, seq: 4 } });
      });

      it("refuses new work above its bound, and never what finishes accepted work", async () => {
        const bounded = (await another({ outboxBound: 3, documentOutboxBound: 3 })).store;
        await Promise.all(times(3, index => bounded.update(`d${String(index)}`, increment, { admission: true })));
        await expect(bounded.update("new", increment, { admission: true })).rejects.toMatchObject({
          type: "EVENT_BACKLOG",
          data: { retryAfter: 1 },
        });
        expect(() => {
          bounded.admit();
        }).toThrow("wait to be published");
        await bounded.update("d0", increment);
        await bounded.acknowledge("d0", 2);
        await bounded.update("new", increment, { admission: true });
      });

      it("bounds one document too, whatever the others hold", async () => {
        const bounded = (await another({ outboxBound: 100, documentOutboxBound: 2 })).store;
        const results = await Promise.allSettled(times(3, () => bounded.update("hot", increment, { admission: true })));
        expect(codes(results)).toEqual(["ok", "ok", "EVENT_BACKLOG"]);
        await bounded.update("hot", increment);
        await bounded.update("cold", increment, { admission: true });
        await bounded.acknowledge("hot", 3);
        await bounded.update("hot", increment, { admission: true });
      });

      it("counts what other processes left", async () => {
        await Promise.all(times(5, () => store.update("a", increment)));
        const other = await another({ outboxBound: 5 });
        other.store.admit();
        await storeOf(other).measure();
        expect(storeOf(other).backlog()).toBe(5);
        expect(() => {
          other.store.admit();
        }).toThrow("wait to be published");
      });
    });

    describe("lists", () => {
      const ids = async (query: Omit<Parameters<typeof store.list>[0], "limit">) =>
        (await store.list({ ...query, limit: 100 })).items.map(({ id }) => id);
      const fill = (states: Record<string, Counter>) =>
        Promise.all(Object.entries(states).map(([id, state]) => store.update(id, put(state))));

      it("filter by equality and range on declared fields, also inside objects", async () => {
        await fill({
          a: { n: 1, group: "x", live: true },
          b: { n: 2, group: "x", live: false },
          c: { n: 3, group: null, deep: { at: 7 } },
          d: { n: 4, deep: { at: null } },
        });
        expect(await ids({ where: { group: "x" } })).toEqual(["a", "b"]);
        expect(await ids({ where: { group: null } })).toEqual(["c", "d"]);
        expect(await ids({ where: { live: true } })).toEqual(["a"]);
        expect(await ids({ where: { n: { gt: 1, lte: 3 } } })).toEqual(["b", "c"]);
        expect(await ids({ where: { "deep.at": { lte: 7 } } })).toEqual(["c"]);
        expect(await ids({ where: { group: "x", n: { gte: 2 } } })).toEqual(["b"]);
      });

      it("take a searched text literally", async () => {
        await fill({
          a: { n: 1, name: "100% wool" },
          b: { n: 2, name: "100 woollen" },
          c: { n: 3, name: "a_b" },
          d: { n: 4 },
        });
        expect(await ids({ contains: { field: "name", text: "100%" } })).toEqual(["a"]);
        expect(await ids({ contains: { field: "name", text: "_" } })).toEqual(["c"]);
        expect(await ids({ contains: { field: "name", text: "wool" }, where: { n: { gt: 1 } } })).toEqual(["b"]);
      });

      it("refuse a field that the collection does not declare", async () => {
        await expect(store.list({ where: { name: "x" }, limit: 1 })).rejects.toThrow(
          "counter declares no index on name",
        );
        await expect(store.list({ orderBy: "name", limit: 1 })).rejects.toThrow("counter declares no index on name");
        await expect(store.list({ contains: { field: "group", text: "x" }, limit: 1 })).rejects.toThrow("searchable");
      });

      it.each(["asc", "desc"] as const)(
        "page %s over equal and missing values without losing or repeating one",
        async direction => {
          const groups = ["x", "x", "x", "y", null, null, "y", undefined, "x", "z"];
          await fill(
            Object.fromEntries(
              groups.map((group, index) => [`d${String(index)}`, group === undefined ? { n: 1 } : { n: 1, group }]),
            ),
          );
          const seen: string[] = [];
          let page = await store.list({ orderBy: "group", direction, limit: 2 });
          while (page.next !== null) {
            seen.push(...page.items.map(({ id }) => id));
            page = await store.list({ orderBy: "group", direction, limit: 2, after: page.next });
          }
          seen.push(...page.items.map(({ id }) => id));
          const ascending = ["d4", "d5", "d7", "d0", "d1", "d2", "d8", "d3", "d6", "d9"];
          expect(seen).toEqual(direction === "asc" ? ascending : ascending.reverse());
        },
      );

      it("stay stable while others write", async () => {
        await fill(Object.fromEntries(times(6, index => [`d${String(index)}`, { n: index }])));
        const first = await store.list({ orderBy: "n", direction: "desc", limit: 3 });
        await fill({ newer: { n: 99 }, d4: { n: 4, name: "changed" } });
        const rest = await store.list({ orderBy: "n", direction: "desc", limit: 3, after: first.next ?? [0, ""] });
        expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(["d5", "d4", "d3", "d2", "d1", "d0"]);
        expect(rest.next).toBeNull();
      });
    });

    describe("counting", () => {
      it("tells how many documents there are, whoever wrote them", async () => {
        expect(await store.count()).toBe(0);
        for (const id of ["a", "b", "c"]) await store.update(id, increment);
        await store.update("a", increment);
        const { store: elsewhere } = await another();
        expect([await store.count(), await elsewhere.count()]).toEqual([3, 3]);
      });
    });

    describe("schema versions", () => {
      const old: CollectionSpec<{ title: string }> = { name: "item", aggregate: "item", indexes: [], schemaVersion: 1 };
      const current: CollectionSpec<{ label: string; size: number }> = {
        name: "item",
        aggregate: "item",
        indexes: [],
        schemaVersion: 3,
        upgrades: { 1: ({ title, ...rest }) => ({ ...rest, label: title }), 2: older => ({ ...older, size: 0 }) },
      };

      it("older documents are upgraded on read, and stored upgraded by the next write", async () => {
        await client.database.collection(old).update("a", () => write({ title: "Mug" }, [], null));
        const upgraded = (await another()).database.collection(current);
        expect(await upgraded.load("a")).toMatchObject({ version: 1, state: { label: "Mug", size: 0 } });
        await upgraded.update("a", found => write({ label: found?.state.label ?? "", size: 5 }, [], null));
        expect((await upgraded.list({ limit: 1 })).items).toMatchObject([
          { version: 2, state: { label: "Mug", size: 5 } },
        ]);
      });

      it("a document that a newer release wrote is refused, alone", async () => {
        await client.database.collection(current).update("a", () => write({ label: "Mug", size: 1 }, [], null));
        const outdated = (await another()).database.collection(old);
        const results = await Promise.allSettled([
          outdated.update("a", () => keep(null)),
          outdated.update("b", () => write({ title: "Cup" }, [], null)),
        ]);
        expect(codes(results)).toEqual(["SERVICE_UNAVAILABLE", "ok"]);
      });
    });

    it("keeps everything when the process ends and another one opens it", async () => {
      await Promise.all(times(20, index => store.update(`d${String(index % 4)}`, increment)));
      await client.close();
      clients = [];
      const { store: next } = await another();
      expect((await next.list({ limit: 10 })).items.map(({ version }) => version)).toEqual([5, 5, 5, 5]);
      expect(await next.pending(100)).toHaveLength(20);
    });

    describe("speed", () => {
      const median = (durations: readonly number[]): number =>
        durations.toSorted((one, other) => one - other)[Math.floor(durations.length / 2)] ?? 0;
      async function timed(act: () => Promise<unknown>): Promise<number> {
        const started = performance.now();
        await act();
        return performance.now() - started;
      }
      const reserve = (document: string, key: string) =>
        store.update(
          document,
          found => ({
            ...write<Counter, null>({ n: (found?.state.n ?? 0) + 1 }, [], null),
            entries: new Map([[key, { value: { text: key }, dueAt: 1 }]]),
          }),
          { entries: [key] },
        );
      const reserveMany = (document: string, batch: number) =>
        Promise.all(times(50, index => reserve(document, `${document}.${String(batch)}.${String(index)}`)));

      it("20,000 reservations in one document do not make the next one slower", async () => {
        for (let batch = 0; batch < 400; batch += 1) await reserveMany("hot", batch);
        expect(await store.load("hot")).toMatchObject({ state: { n: 20_000 } });
        const [hot, young]: [number[], number[]] = [[], []];
        // In turns, so that what else the machine does slows both alike.
        for (let turn = 0; turn < 60; turn += 1) {
          hot.push(await timed(() => reserveMany("hot", 400 + turn)));
          const another = `young ${String(turn)}`;
          await reserveMany(another, 0);
          young.push(await timed(() => reserveMany(another, 1)));
        }
        expect(median(hot) / median(young)).toBeLessThan(2);
      });

      it("an outbox of 1,000 events does not slow the next write", async () => {
        await Promise.all(times(1_000, () => store.update("full", increment)));
        const [full, empty]: [number[], number[]] = [[], []];
        // In turns, so that what else the machine does slows both alike.
        for (let turn = 0; turn < 100; turn += 1) {
          full.push(await timed(() => store.update("full", increment, { admission: true })));
          empty.push(await timed(() => store.update(`new ${String(turn)}`, increment, { admission: true })));
        }
        expect(median(full) / median(empty)).toBeLessThan(ratios.fullOutbox);
      });
    });
  });
}
