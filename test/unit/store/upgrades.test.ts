// Two releases on one database: a change of shape goes out in two steps, and nobody loses what the other wrote (ADR 22).
import { beforeEach, describe, expect, it } from "@jest/globals";
import { codeOf } from "../../../core/errors.ts";
import { toStored } from "../../../core/store/documents.ts";
import { keep, write, type CollectionSpec } from "../../../core/store/port.ts";
import { systemClock as clock, systemRandom as random } from "../../../core/system.ts";
import { createMemoryDriver, createMemoryStorage, openMemoryDatabase } from "../../support/memory-driver.ts";

interface Shape1 {
  readonly name: string;
  readonly visits: number;
}
/** The name is divided; it can be put together again. */
interface Shape2 {
  readonly given: string;
  readonly family: string;
  readonly visits: number;
}

const base = { name: "people", aggregate: "person", indexes: [{ on: ["visits"] }] } as const;
const upgrades: NonNullable<CollectionSpec<unknown>["upgrades"]> = {
  1: ({ name, ...rest }) => {
    const [given = "", family = ""] = String(name).split(" ");
    return { ...rest, given, family };
  },
};
const downgrades: NonNullable<CollectionSpec<unknown>["downgrades"]> = {
  2: ({ given, family, ...rest }) => ({ ...rest, name: `${String(given)} ${String(family)}` }),
};

const first: CollectionSpec<Shape1> = { ...base, schemaVersion: 1 };
const second: CollectionSpec<Shape2> = { ...base, schemaVersion: 2, upgrades, writes: 1, downgrades };
const third: CollectionSpec<Shape2> = { ...base, schemaVersion: 2, upgrades };

describe("Releases that run together", () => {
  let storage: ReturnType<typeof createMemoryStorage>;
  beforeEach(() => {
    storage = createMemoryStorage();
  });
  const on = <S>(spec: CollectionSpec<S>) =>
    openMemoryDatabase(storage, { clock, random, outboxBound: 1_000 }).collection(spec);
  async function stored(id: string) {
    const [loaded] = await createMemoryDriver(third, storage).read([{ id, keys: [], dueBy: null }]);
    return loaded?.document;
  }
  const visit = <S extends { readonly visits: number }>(store: ReturnType<typeof on<S>>, id: string, fallback: S) =>
    store.update(id, found => {
      const state = found?.state ?? fallback;
      return write({ ...state, visits: state.visits + 1 }, [], null);
    });

  it("the one that knows a new shape writes the old one first, so that the release before goes on", async () => {
    const [old, next] = [on(first), on(second)];
    await visit(old, "ann", { name: "Ann Smith", visits: 0 });
    await visit(next, "ann", { given: "", family: "", visits: 0 });
    await visit(next, "bob", { given: "Bob", family: "Jones", visits: 0 });
    for (let n = 0; n < 20; n += 1) {
      await visit(old, n % 2 === 0 ? "ann" : "bob", { name: "", visits: 0 });
      await visit(next, n % 3 === 0 ? "ann" : "bob", { given: "", family: "", visits: 0 });
    }
    expect(await old.load("ann")).toMatchObject({ state: { name: "Ann Smith", visits: 19 } });
    expect(await next.load("bob")).toMatchObject({ state: { given: "Bob", family: "Jones", visits: 24 } });
    expect((await old.list({ limit: 10, orderBy: "visits" })).items.map(({ id }) => id)).toEqual(["ann", "bob"]);
    expect(await stored("bob")).toMatchObject({ schemaVersion: 1, state: { name: "Bob Jones" } });
  });

  it("the release after writes the new shape, and the one before keeps it as it is", async () => {
    const [next, last] = [on(second), on(third)];
    await visit(next, "ann", { given: "Ann", family: "van Dyck", visits: 0 });
    await visit(last, "eve", { given: "Eve", family: "de la Cruz", visits: 0 });
    await visit(next, "eve", { given: "", family: "", visits: 0 });
    // What shape 1 cannot say ("la Cruz" would be lost) is still there.
    expect(await stored("eve")).toMatchObject({ schemaVersion: 2, state: { family: "de la Cruz", visits: 2 } });
    await visit(last, "ann", { given: "", family: "", visits: 0 });
    expect(await stored("ann")).toMatchObject({ schemaVersion: 2, state: { given: "Ann", visits: 2 } });
    expect(await next.load("ann")).toMatchObject({ state: { given: "Ann", visits: 2 } });
  });

  it("one that does not know a shape refuses to read and to write it, and the refusal says to ask again", async () => {
    const [old, last] = [on(first), on(third)];
    await visit(last, "eve", { given: "Eve", family: "de la Cruz", visits: 0 });
    await visit(old, "ann", { name: "Ann Smith", visits: 0 });
    const refusals = await Promise.allSettled([
      old.load("eve"),
      old.list({ limit: 10 }),
      visit(old, "eve", { name: "", visits: 0 }),
      old.update("eve", () => keep(null)),
    ]);
    for (const refused of refusals) {
      expect(refused.status).toBe("rejected");
      const error = (refused as PromiseRejectedResult).reason as Error & { retryable: boolean };
      expect([codeOf(error), error.retryable]).toEqual(["SERVICE_UNAVAILABLE", true]);
    }
    expect(await stored("eve")).toMatchObject({
      version: 1,
      schemaVersion: 2,
      state: { family: "de la Cruz", visits: 1 },
    });
    await visit(old, "ann", { name: "", visits: 0 });
    expect(await old.load("ann")).toMatchObject({ version: 2 });
  });

  it("a step back that nobody declared is a mistake of the release, and nothing is written", async () => {
    const { downgrades: _none, ...forgetful } = second;
    await expect(visit(on(forgetful as typeof second), "ann", { given: "A", family: "B", visits: 0 })).rejects.toThrow(
      "declares no way back from schemaVersion 2",
    );
    expect(await stored("ann")).toBeNull();
    expect(() => toStored(third, { schemaVersion: 1 }, {})).not.toThrow();
  });
});
