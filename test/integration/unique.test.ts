// What only a unique index can promise when two processes write at once: the specs of the stores declare it.
import { expect, it } from "@jest/globals";
import { write, type CollectionSpec } from "../../core/store/port.ts";
import { invoiceCollection } from "../../services/billing/billing.schema.ts";
import { orderCollection } from "../../services/order/order.schema.ts";
import { createManualClock, createManualRandom } from "../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase } from "../support/memory-driver.ts";

/** All that the index sees of a document. */
interface Numbered {
  readonly number: string;
}
const specs = { order: orderCollection, invoice: invoiceCollection } as unknown as Record<
  string,
  CollectionSpec<Numbered>
>;

it.each(Object.keys(specs))("no second %s has the same number", async name => {
  const database = openMemoryDatabase(createMemoryStorage(), {
    ...{ clock: createManualClock(), random: createManualRandom(), outboxBound: 1_000 },
  });
  const store = database.collection(specs[name] as CollectionSpec<Numbered>);
  const put = (id: string, number: string) => store.update(id, () => write({ number }, [], null));
  await put("first", "2026-000001");
  await expect(put("second", "2026-000001")).rejects.toMatchObject({ type: "DUPLICATE" });
  await expect(put("third", "2026-000002")).resolves.toBeDefined();
});
