// What an order may do with its reservation of one SKU. A repeat of any command changes nothing.
import type { Keyed } from "../../core/contracts/common.ts";
import type { Movement } from "../../core/contracts/inventory.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { canMove, refuse, type Transitions } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";
import { reservationIdOf } from "../../core/kernel/ids.ts";
import type { Entries, Entry } from "../../core/store/port.ts";
import {
  availableOf,
  eventsOf,
  moveBy,
  unchanged,
  type Decided,
  type MovementEvent,
  type Reservation,
  type ReservationState,
  type Seen,
  type Stock,
  type StockEntry,
  type StockEvent,
} from "./inventory.domain.ts";
import { applied, repeated } from "./movement.domain.ts";

/** COMMITTED → RELEASED: cancelled before shipping, or a later line of the order was refused. */
export const reservationTransitions: Transitions<ReservationState> = {
  RESERVED: ["COMMITTED", "RELEASED", "EXPIRED"],
  COMMITTED: ["SHIPPED", "RELEASED"],
  SHIPPED: [],
  RELEASED: [],
  EXPIRED: [],
};

const can = ({ state }: Reservation, to: ReservationState): boolean => canMove(reservationTransitions, state, to);
const isLost = ({ state }: Reservation): boolean => state === "RELEASED" || state === "EXPIRED";

export function decideReserve(
  seen: Seen,
  { orderId, quantity }: { orderId: string; quantity: number },
): Decided<{ expiresAt: string }> {
  const { stock, reservation, now, policy } = seen;
  if (reservation !== null && isLost(reservation)) return refuse(ended(stock, orderId));
  if (reservation !== null) return unchanged(seen, { expiresAt: reservation.expiresAt });
  const available = availableOf(stock);
  if (quantity > available) {
    const { sku } = stock;
    return refuse(refusal("OUT_OF_STOCK", `${String(quantity)} of ${sku} are not available`, { sku, available }));
  }
  const dueAt = now + policy.reservationTtl;
  const expiresAt = timestamp(dueAt);
  const next = moveBy(stock, { reserved: quantity });
  const event: MovementEvent = { type: "stock.reserved.v1", data: { ...next, orderId, quantity, expiresAt } };
  return turned(
    seen,
    next,
    event,
    { value: { state: "RESERVED", orderId, quantity, expiresAt }, dueAt },
    { expiresAt },
  );
}

/** Does not look at the clock: only the reaper's write ends a reservation. */
export function decideCommit(seen: Seen, { orderId }: { orderId: string }): Decided<null> {
  const { stock, reservation } = seen;
  if (reservation === null || isLost(reservation)) return refuse(ended(stock, orderId));
  if (!can(reservation, "COMMITTED")) return unchanged(seen, null);
  const { quantity } = reservation;
  const next = moveBy(stock, { reserved: -quantity, allocated: quantity });
  const event: MovementEvent = { type: "stock.committed.v1", data: { ...next, orderId, quantity } };
  return turned(seen, next, event, { value: { ...reservation, state: "COMMITTED" }, dueAt: null }, null);
}

/** Never refuses. Without a reservation it leaves an ended one, which the late reserve then meets. */
export function decideRelease(seen: Seen, { orderId }: { orderId: string }): Decided<null> {
  const { stock, reservation, now } = seen;
  if (reservation === null) {
    const never: Reservation = { state: "RELEASED", orderId, quantity: 0, expiresAt: timestamp(now) };
    return { ok: true, stock, events: [], entries: kept(over(seen, never, "RELEASED")), result: null };
  }
  if (!can(reservation, "RELEASED")) return unchanged(seen, null);
  const { quantity, state } = reservation;
  const next = moveBy(stock, state === "RESERVED" ? { reserved: -quantity } : { allocated: -quantity });
  const event: MovementEvent = { type: "stock.released.v1", data: { ...next, orderId, quantity } };
  return turned(seen, next, event, over(seen, reservation, "RELEASED"), null);
}

/** Goods leave: all that the order holds or a part of it, once per shipment. */
export function decideSell(
  seen: Seen,
  sale: { orderId: string; shipmentId: string; quantity: number },
): Decided<Keyed<Movement>> {
  const { stock, reservation } = seen;
  const { orderId, quantity } = sale;
  if (seen.applied !== null) return repeated(seen, seen.applied);
  if (reservation === null || !can(reservation, "SHIPPED") || quantity > reservation.quantity) {
    const held = reservation === null ? "nothing" : `${String(reservation.quantity)} ${reservation.state}`;
    const detail = `Order ${orderId} ships ${String(quantity)} of ${stock.sku}, but holds ${held}`;
    return refuse(refusal("WRONG_STATE", detail));
  }
  const left = reservation.quantity - quantity;
  const next = moveBy(stock, { onHand: -quantity, allocated: -quantity });
  const event: MovementEvent = { type: "stock.sold.v1", data: { ...next, ...sale } };
  const entry =
    left > 0 ? { value: { ...reservation, quantity: left }, dueAt: null } : over(seen, reservation, "SHIPPED");
  return applied(seen, next, event, kept(entry));
}

/**
 * The reaper's: expires what is RESERVED, prunes what was kept long enough. A keyed movement stays until the projection
 * has it, that is up to event number `projected`: one of the two always knows it. Answers how many entries.
 */
export function decideDue(seen: Seen, due: Entries<StockEntry>, projected: number): Decided<number> {
  const { now, policy } = seen;
  const entries = new Map<string, Entry<StockEntry> | null>();
  const events: StockEvent[] = [];
  let { stock } = seen;
  for (const [key, { value, dueAt }] of due) {
    if (dueAt === null || dueAt > now) continue;
    if (value.state === "RESERVED") {
      const { orderId, quantity } = value;
      stock = moveBy(stock, { reserved: -quantity });
      events.push({ type: "stock.expired.v1", data: { ...stock, orderId, quantity } });
      entries.set(key, over(seen, value, "EXPIRED"));
    } else if (value.state === "APPLIED" && value.movement.seq > projected) {
      entries.set(key, { value, dueAt: now + policy.retention });
    } else entries.set(key, null);
  }
  return { ok: true, stock, events, entries, result: entries.size };
}

type Kept = Entry<Reservation>;

const over = ({ now, policy }: Seen, reservation: Reservation, state: ReservationState): Kept => ({
  value: { ...reservation, state, quantity: 0 },
  dueAt: now + policy.retention,
});

const kept = (entry: Kept): Map<string, Kept> => new Map([[reservationIdOf(entry.value.orderId), entry]]);

const turned = <R>(seen: Seen, next: Stock, event: MovementEvent, entry: Kept, result: R): Decided<R> => ({
  ok: true,
  stock: next,
  events: eventsOf(seen, next, event),
  entries: kept(entry),
  result,
});

const ended = ({ sku }: Stock, orderId: string) =>
  refusal("RESERVATION_EXPIRED", `Order ${orderId} holds no ${sku} any more`);
