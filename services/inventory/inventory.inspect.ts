// What inventory tells the audit: each item's counts beside the sums over its reservations, of one moment.
import { inspections, type StockFacts } from "../../core/contracts/audit.ts";
import { documentFacts, inspectWhole, waitingIn } from "../../core/inspection.ts";
import { implement, type HandlersOf } from "../../core/service.ts";
import type { DocumentStore, Whole } from "../../core/store/port.ts";
import type { ReservationState, Stock, StockEntry } from "./inventory.domain.ts";

function factsOf({ document, entries, pending }: Whole<Stock, StockEntry>): StockFacts {
  const { onHand, reserved, allocated } = document.state;
  const held = (wanted: ReservationState): number => {
    let sum = 0;
    for (const { value } of entries.values()) if (value.state === wanted) sum += value.quantity;
    return sum;
  };
  const sums = { reserved: held("RESERVED"), allocated: held("COMMITTED") };
  return { ...documentFacts({ document, pending }), onHand, reserved, allocated, held: sums };
}

export function inventoryInspection(items: DocumentStore<Stock, StockEntry>) {
  const handlers: HandlersOf<typeof inspections.inventory> = {
    "v1.inventory.inspect": asked => inspectWhole(items, asked, factsOf),
    "v1.inventory.waiting": waitingIn(items),
  };
  return implement(inspections.inventory, handlers);
}
