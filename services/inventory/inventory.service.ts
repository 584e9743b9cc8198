// Inventory: what is on hand, who has reserved it, and how it moved.
import type { ServiceSchema } from "moleculer";
import { inventoryActions } from "../../core/contracts/inventory.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import { implement } from "../../core/service.ts";
import type { Stock, StockEntry } from "./inventory.domain.ts";
import { inventoryHandlers } from "./inventory.handlers.ts";
import type { Items } from "./inventory.items.ts";
import { inventoryReactions } from "./inventory.reactions.ts";
import { reap } from "./inventory.reaper.ts";
import { claimCollection, movementCollection, stockCollection } from "./inventory.schema.ts";

const REAP_EVERY_MS = 1_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random, config } = env;
  const own = env.database("inventory");
  const stock: Items = {
    items: own.collection<Stock, StockEntry>(stockCollection),
    movements: own.collection(movementCollection),
    policy: {
      reservationTtl: config.reservationTtlMs,
      retention: config.retentionMs,
      lowStock: config.lowStock,
    },
  };
  const reactions = subscriber(inventoryReactions(stock), own.collection(inboxCollection));
  const claims = own.collection(claimCollection);
  const reaper = createLoop(clock, REAP_EVERY_MS);
  return {
    name: "inventory",
    version: 1,
    mixins: [own.mixin],
    metadata: { subscribes: reactions.types },
    actions: implement(inventoryActions, inventoryHandlers({ ...stock, claims, reactions, clock, random })),
    started() {
      const failed = (error: unknown) => {
        this.logger.warn(`The reaper failed and tries again: ${String(error)}`);
      };
      reaper.start(() => reap(stock, clock.now()), failed);
    },
    async stopped() {
      await reaper.stop();
    },
  };
}
