// Nobody is told of what a power cut can still take back, also when the answer needs no write of its own.
import { describe, expect, it } from "@jest/globals";
import { setImmediate as turn } from "node:timers/promises";
import { refusal } from "../../../core/kernel/errors.ts";
import { createStore } from "../../../core/store/group-commit.ts";
import { keep, refuseWith, write, type CollectionSpec, type DocumentStore } from "../../../core/store/port.ts";
import { systemClock, systemRandom } from "../../../core/system.ts";
import { createMemoryDriver, createMemoryStorage } from "../../support/memory-driver.ts";

interface Counter {
  readonly n: number;
}
const spec: CollectionSpec<Counter> = { name: "counters", aggregate: "counter", indexes: [], schemaVersion: 1 };
const refused = refuseWith(refusal("OUT_OF_STOCK", "None left"));

/** A store on a driver whose reads run ahead of the disk until `sync`. */
async function ahead() {
  const { promise: durable, resolve: sync } = Promise.withResolvers<undefined>();
  const driver = createMemoryDriver(spec, createMemoryStorage());
  const options = { clock: systemClock, random: systemRandom, outboxBound: 100 };
  await createStore(spec, driver, options).update("a", () => write({ n: 1 }, [], null));
  const store = createStore(spec, { ...driver, durable: () => durable }, options);
  return {
    store,
    sync: () => {
      sync(undefined);
    },
  };
}

const asks: [string, (store: DocumentStore<Counter>) => Promise<unknown>][] = [
  ["a document that was read", store => store.load("a")],
  ["entries that were read", store => store.loadEntries("a", ["k"])],
  ["a decision that keeps what it saw", store => store.update("a", () => keep(null))],
  ["a decision that refuses for what it saw", store => store.update("a", () => refused).catch(() => null)],
];

describe("Before what was read is durable", () => {
  it.each(asks)("nobody is told of %s", async (_what, ask) => {
    const { store, sync } = await ahead();
    let told = false;
    const answer = ask(store).then(() => {
      told = true;
    });
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(told).toBe(false);
    sync();
    await answer;
  });
});
