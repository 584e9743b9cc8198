// Inventory: what is on hand, who has reserved it, and how it moved.
import type { ServiceSchema } from "moleculer";
import { inventoryActions } from "../../core/contracts/inventory.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import type { Stock, StockEntry } from "./inventory.domain.ts";
import { inventoryInspection } from "./inventory.inspect.ts";
import { countReservations, stockWalk } from "./inventory.metrics.ts";
import { createInventory } from "./inventory.parts.ts";
import { stockCollection } from "./inventory.schema.ts";

const REAP_EVERY_MS = 1_000;
/** Between two pages of the walk that shows the stock. */
const LOOK_EVERY_MS = 2_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random, config } = env;
  const database = env.database("inventory");
  const { reservationTtlMs: reservationTtl, retentionMs: retention, lowStock } = config;
  const inventory = createInventory({ database, policy: { reservationTtl, retention, lowStock }, clock, random });
  const items = database.collection<Stock, StockEntry>(stockCollection);
  const inspection = inventoryInspection(items);
  const reaper = createLoop(clock, REAP_EVERY_MS, random);
  const walk = stockWalk(items, lowStock);
  database.onWritten(countReservations);
  database.measure(LOOK_EVERY_MS, () => walk.step());
  return {
    name: "inventory",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: inventory.types },
    actions: { ...implement(inventoryActions, inventory.handlers), ...inspection },
    started() {
      const failed = (error: unknown) => {
        this.logger.warn(`The reaper failed and tries again: ${String(error)}`);
      };
      reaper.start(inventory.reap, failed);
    },
    async stopped() {
      await reaper.stop();
    },
  };
}
