// How inventory reaches its stock items: pure decisions put on stored documents.
import type { Keyed } from "../../core/contracts/common.ts";
import type { Movement } from "../../core/contracts/inventory.ts";
import { present } from "../../core/decisions.ts";
import { toError } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Refusal } from "../../core/kernel/errors.ts";
import { reservationIdOf } from "../../core/kernel/ids.ts";
import type { Request } from "../../core/request.ts";
import {
  keep,
  refuseWith,
  write,
  type DocumentStore,
  type Entries,
  type UpdateOptions,
  type Verdict,
  type Versioned,
} from "../../core/store/port.ts";
import { emptyStock, type Decided, type Policy, type Seen, type Stock, type StockEntry } from "./inventory.domain.ts";
import { movementView, type Progress, type StoredMovement } from "./inventory.schema.ts";

export interface Items {
  readonly clock: Clock;
  readonly items: DocumentStore<Stock, StockEntry>;
  readonly movements: DocumentStore<StoredMovement>;
  readonly progress: DocumentStore<Progress>;
  readonly policy: Policy;
}

/** The entries that a command is about. */
interface About {
  readonly orderId?: string;
  readonly movementId?: string;
}

export function verdictOf<R>(decided: Decided<R>): Verdict<Stock, R, StockEntry> {
  if (!decided.ok) return refuseWith(decided.refusal);
  const { stock, events, entries, result } = decided;
  if (events.length === 0 && entries.size === 0) return keep(result);
  return { kind: "write", state: stock, events, entries, result };
}

export function seenOf(
  sku: string,
  current: Versioned<Stock> | null,
  entries: Entries<StockEntry>,
  { now, policy, orderId = "", movementId = "" }: About & Pick<Seen, "now" | "policy">,
): Seen {
  const reservation = entries.get(reservationIdOf(orderId))?.value;
  const made = entries.get(movementId)?.value;
  return {
    stock: current?.state ?? emptyStock(sku),
    seq: current?.seq ?? 0,
    reservation: reservation === undefined || reservation.state === "APPLIED" ? null : reservation,
    applied: made?.state === "APPLIED" ? made.movement : null,
    now,
    policy,
  };
}

export async function change<R>(
  { items, policy }: Items,
  sku: string,
  about: About,
  decide: (seen: Seen) => Decided<R>,
  options: Omit<UpdateOptions, "entries"> = {},
): Promise<R> {
  const { orderId, movementId } = about;
  const keys = [orderId === undefined ? [] : reservationIdOf(orderId), movementId ?? []].flat();
  const { result } = await items.update<R>(
    sku,
    (current, entries, now) => verdictOf(decide(seenOf(sku, current, entries, { ...about, now, policy }))),
    { ...options, entries: keys },
  );
  return result;
}

/** The entries of a movement, and when there was what makes it, in ms since the epoch: it cannot be older. */
interface MovementAbout extends About {
  readonly movementId: string;
  readonly causedAt: number;
}

/** Far below any retention that a shop has, whatever it was when the movement was made, and above what clocks differ by. */
const YOUNG_MS = 600_000;

/** Whether the item still remembers each movement of a cause of that age. */
const isRemembered = ({ clock, policy }: Items, causedAt: number): boolean =>
  clock.now() - causedAt < Math.min(YOUNG_MS, policy.retention / 2);

/** A movement that is made once, for ever: the item remembers it for the retention, the projection always. */
export async function moveOnce(
  deps: Items,
  sku: string,
  { causedAt, ...about }: MovementAbout,
  decide: (seen: Seen) => Decided<Keyed<Movement>>,
  options: Omit<UpdateOptions, "entries"> = {},
): Promise<Keyed<Movement>> {
  const earlier = isRemembered(deps, causedAt) ? null : await movementMade(deps, sku, about.movementId);
  return earlier === null ? change(deps, sku, about, decide, options) : { replayed: true, resource: earlier };
}

/** First the item, then the projection: what is pruned from the one in between is in the other by then. */
async function movementMade({ items, movements }: Items, sku: string, movementId: string): Promise<Movement | null> {
  const made = (await items.loadEntries(sku, [movementId])).get(movementId)?.value;
  if (made?.state === "APPLIED") return made.movement;
  const projected = await movements.list({ where: { movementId }, limit: 1 });
  return projected.items.map(movementView)[0] ?? null;
}

/** Up to which event the item's movements are in the projection. */
export const projectedSeq = async (progress: Items["progress"], sku: string): Promise<number> =>
  (await progress.load(sku))?.state.seq ?? 0;

/** Makes the item of a product that is known to exist. */
export async function open({ items }: Pick<Items, "items">, sku: string): Promise<Versioned<Stock>> {
  const { document } = await items.update(sku, current =>
    current === null ? write(emptyStock(sku), [], null) : keep(null),
  );
  return present(document);
}

/**
 * The item, made if there is a product: the event that says so may be late.
 * @throws the refusal when product does not know the SKU either
 */
export async function itemOf(
  deps: Pick<Items, "items">,
  sku: string,
  { call }: Request,
  unknown: (sku: string) => Refusal,
): Promise<Versioned<Stock>> {
  const item = await deps.items.load(sku);
  if (item !== null) return item;
  const { products } = await call("v1.product.price", { skus: [sku] });
  if (products.length === 0) throw toError(unknown(sku));
  return open(deps, sku);
}
