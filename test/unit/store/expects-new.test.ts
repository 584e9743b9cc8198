// What is made without a look, on a database that meets its own unique index before the document's id.
import { expect, it } from "@jest/globals";
import type { Driver, WriteOutcome } from "../../../core/store/driver.ts";
import { keep } from "../../../core/store/port.ts";
import { createMemoryDriver, createMemoryStorage } from "../../support/memory-driver.ts";
import { connect, increment } from "../../support/store-client.ts";

const indexFirst = (driver: Driver): Driver => ({
  ...driver,
  write: async writes =>
    (await driver.write(writes)).map((outcome, index): WriteOutcome =>
      outcome.kind === "conflict" && writes[index]?.expected === 0 ? { kind: "duplicate", field: "n" } : outcome,
    ),
});

it("What is there already is no duplicate of itself", async () => {
  const storage = createMemoryStorage();
  const { store } = await connect({
    connect: () =>
      Promise.resolve({
        openDriver: spec => indexFirst(createMemoryDriver(spec, storage)),
        close: () => Promise.resolve(),
      }),
    remove: () => Promise.resolve(),
  });
  await store.update("a", increment);
  const again = store.update("a", current => (current === null ? increment(null) : keep(current.state.n)), {
    expectsNew: true,
  });
  expect((await again).document).toMatchObject({ version: 1, state: { n: 1 } });
});
