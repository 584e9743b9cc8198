// The numbers of stock. What is available of a SKU is worked out, not stored, so no index finds the least of it: all
// items are looked at in turn, a page at a time, and what was found is shown when the walk has come to its end.
import { countEvents } from "../../core/metrics/count-events.ts";
import { counter, gauge } from "../../core/metrics/registry.ts";
import type { DocumentStore, Position } from "../../core/store/port.ts";
import { availableOf, type Stock } from "./inventory.domain.ts";

const expired = counter("comptoir_reservations_expired_total").labels();
const available = gauge("comptoir_stock_available");
const items = gauge("comptoir_stock_items");

export const countReservations = countEvents({
  "stock.expired.v1": () => {
    expired.inc();
  },
});

/** Items of one page: some milliseconds. */
const PAGE = 200;
/** SKUs with a series of their own. */
const SHOWN = 20;

interface Level {
  readonly sku: string;
  readonly units: number;
}

export interface StockWalk {
  /** Looks at one page; true when more of this walk are to come. */
  step(): Promise<boolean>;
}

/** @param lowStock units at which a SKU counts as low */
export function stockWalk(store: Pick<DocumentStore<Stock>, "list">, lowStock: number): StockWalk {
  let after: Position | null = null;
  let least: Level[] = [];
  let levels = { out: 0, low: 0, ok: 0 };

  function take(level: Level): void {
    levels[level.units <= 0 ? "out" : level.units <= lowStock ? "low" : "ok"] += 1;
    if (least.length === SHOWN && level.units >= (least.at(-1)?.units ?? 0)) return;
    least = [...least, level].sort((a, b) => a.units - b.units).slice(0, SHOWN);
  }
  function show(): void {
    available.reset();
    for (const { sku, units } of least) available.labels({ sku }).set(units);
    for (const [level, count] of Object.entries(levels)) items.labels({ level }).set(count);
    least = [];
    levels = { out: 0, low: 0, ok: 0 };
  }

  return {
    async step() {
      const page = await store.list({ limit: PAGE, ...(after === null ? {} : { after }) });
      for (const { id, state } of page.items) take({ sku: id, units: availableOf(state) });
      after = page.next;
      if (after === null) show();
      return after !== null;
    },
  };
}
