// Ends reservations whose time is over, and takes away what was kept long enough.
import { keep } from "../../core/store/port.ts";
import { projectedSeq, seenOf, verdictOf, type Items } from "./inventory.items.ts";
import { decideDue } from "./reservation.domain.ts";

/** Entries that one round looks up. */
const ROUND = 500;

/**
 * One round: every item that has something due is written once.
 * @param now milliseconds since the epoch
 * @returns how many entries were dealt with
 * @throws the first failure, after all other items have had their turn
 */
export async function reap(deps: Items, now: number): Promise<number> {
  const due = await deps.items.due(now, ROUND);
  const skus = [...new Set(due.map(({ id }) => id))].sort();
  const results = await Promise.allSettled(skus.map(sku => reapItem(deps, sku)));
  const failed = results.find(result => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.reduce((sum, result) => sum + (result.status === "fulfilled" ? result.value : 0), 0);
}

async function reapItem({ items, progress, policy }: Items, sku: string): Promise<number> {
  const projected = await projectedSeq(progress, sku);
  const { result } = await items.update(
    sku,
    (current, entries, now) => {
      if (current === null) return keep(0);
      return verdictOf(decideDue(seenOf(sku, current, new Map(), { now, policy }), entries, projected));
    },
    { entries: "due" },
  );
  return result;
}
