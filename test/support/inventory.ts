// Inventory over memory, with product's answers and the events of other services.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Call, Request } from "../../core/request.ts";
import type { StoreDatabase } from "../../core/store/database.ts";
import { createInventory } from "../../services/inventory/inventory.parts.ts";
import { createManualClock, createManualRandom } from "./manual-clock.ts";
import type { Faults } from "./faulty-driver.ts";
import { createMemoryStorage, openMemoryDatabase } from "./memory-driver.ts";
import { product } from "./orders.ts";
import { asStaff } from "./requests.ts";

export const policy = { reservationTtl: 900_000, retention: 86_400_000, lowStock: 0 };

export function createInventoryWorld({ catalogue = ["TEA"], outboxBound = 10_000 } = {}) {
  const clock = createManualClock();
  const random = createManualRandom();
  const storage = createMemoryStorage();
  const asked: string[] = [];
  const known = new Set(catalogue);
  const call = ((action: string, { skus }: { skus: string[] }) => {
    asked.push(action);
    return Promise.resolve({ products: skus.filter(sku => known.has(sku)).map(sku => product(sku)) });
  }) as Call;
  const request = (rest: Partial<Request> = {}) => asStaff({ call, ...rest });

  /** A process on the same database. */
  function start(faults: Faults = {}) {
    const database = openMemoryDatabase(storage, { clock, random, outboxBound }, faults);
    const inventory = createInventory({ database, policy, clock, random });
    const { handlers } = inventory;

    async function react(...events: CloudEvent[]): Promise<string[]> {
      const { outcomes } = await handlers["v1.inventory.react"]({ events }, request());
      return outcomes.map(({ outcome, error }) => error ?? outcome);
    }
    /** Brings inventory's own events to its projection. */
    async function project(): Promise<void> {
      for (const store of database.stores()) await takeAll(store, react);
    }
    const handle = <A extends keyof typeof handlers>(
      action: A,
      params: Parameters<(typeof handlers)[A]>[0],
      rest: Partial<Request> = {},
    ) => handlers[action](params as never, request(rest)) as ReturnType<(typeof handlers)[A]>;

    return { ...inventory, database, handle, react, project };
  }
  return { clock, known, asked, start, ...start() };
}

async function takeAll(
  store: ReturnType<StoreDatabase["stores"]>[number],
  react: (...events: CloudEvent[]) => Promise<string[]>,
): Promise<void> {
  for (;;) {
    const events = await store.pending(1_000);
    if (events.length === 0) return;
    const failed = (await react(...events)).find(outcome => outcome !== "done");
    if (failed !== undefined) throw new Error(failed);
    for (const { subject, sequence } of events) await store.acknowledge(subject, sequence);
  }
}
