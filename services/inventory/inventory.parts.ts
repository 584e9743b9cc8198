// Inventory put together on a database; the simulator runs several of these without a broker.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import type { Database } from "../../core/store/port.ts";
import type { Policy, Stock, StockEntry } from "./inventory.domain.ts";
import { inventoryHandlers } from "./inventory.handlers.ts";
import type { Items } from "./inventory.items.ts";
import { movementReactions, movementsTogether } from "./inventory.projection.ts";
import { goodsReactions } from "./inventory.reactions.ts";
import { reap } from "./inventory.reaper.ts";
import { claimCollection, movementCollection, progressCollection, stockCollection } from "./inventory.schema.ts";

interface Parts {
  readonly database: Database;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly random: Random;
}

export function createInventory({ database, policy, clock, random }: Parts) {
  const stock: Items = {
    clock,
    items: database.collection<Stock, StockEntry>(stockCollection),
    movements: database.collection(movementCollection),
    progress: database.collection(progressCollection),
    policy,
  };
  const claims = database.collection(claimCollection);
  const reactions = subscriber(
    { ...goodsReactions(stock), ...movementReactions(stock) },
    database.collection(inboxCollection),
    movementsTogether(stock),
  );
  return {
    /** The event types it subscribes to. */
    types: reactions.types,
    handlers: inventoryHandlers({ ...stock, claims, reactions, random }),
    /** One round of the reaper. */
    reap: () => reap(stock, clock.now()),
  };
}
