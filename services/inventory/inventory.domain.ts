// The stock of one SKU: onHand = available + reserved + allocated, and available is never negative.
import type { DomainEvent, EventType } from "../../core/contracts/index.ts";
import type { Movement } from "../../core/contracts/inventory.ts";
import type { Refusal } from "../../core/kernel/errors.ts";
import type { Entry } from "../../core/store/port.ts";

export interface Stock {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly allocated: number;
}

export type ReservationState = "RESERVED" | "COMMITTED" | "SHIPPED" | "RELEASED" | "EXPIRED";

/** What one order holds of this SKU, kept under `reservationIdOf(orderId)`. */
export interface Reservation {
  readonly state: ReservationState;
  readonly orderId: string;
  /** Units it holds now: fewer after a partial shipment, 0 once it is over. */
  readonly quantity: number;
  readonly expiresAt: string;
}

/** A keyed movement that was made, kept under the movement's id. */
export interface Applied {
  readonly state: "APPLIED";
  readonly movement: Movement;
}
export type StockEntry = Reservation | Applied;

export type StockEvent = DomainEvent<Extract<EventType, `stock.${string}`>>;
export type MovementEvent = Exclude<StockEvent, { type: "stock.low.v1" }>;

/** Durations in milliseconds. */
export interface Policy {
  readonly reservationTtl: number;
  /** How long ended reservations and applied movements stay in the item. */
  readonly retention: number;
  readonly lowStock: number;
}

/** What a decision sees. `seq` is the number of the item's last event, `now` is in milliseconds since the epoch. */
export interface Seen {
  readonly stock: Stock;
  readonly seq: number;
  readonly reservation: Reservation | null;
  readonly applied: Movement | null;
  readonly now: number;
  readonly policy: Policy;
}

/** Entries that are not named stay as they are; null takes one away. */
export type Decided<R> =
  | {
      readonly ok: true;
      readonly stock: Stock;
      readonly events: readonly StockEvent[];
      readonly entries: ReadonlyMap<string, Entry<StockEntry> | null>;
      readonly result: R;
    }
  | { readonly ok: false; readonly refusal: Refusal };

export const emptyStock = (sku: string): Stock => ({ sku, onHand: 0, reserved: 0, allocated: 0 });

export const availableOf = ({ onHand, reserved, allocated }: Stock): number => onHand - reserved - allocated;

export const unchanged = <R>({ stock }: Seen, result: R): Decided<R> => ({
  ok: true,
  stock,
  events: [],
  entries: new Map(),
  result,
});

export const moveBy = (
  stock: Stock,
  { onHand = 0, reserved = 0, allocated = 0 }: Partial<Omit<Stock, "sku">>,
): Stock => ({
  sku: stock.sku,
  onHand: stock.onHand + onHand,
  reserved: stock.reserved + reserved,
  allocated: stock.allocated + allocated,
});

/**
 * The events of a move to `next`. The warning goes before the movement: the last event of every write is then a
 * movement, and the item's seq tells whether all its movements are projected.
 */
export function eventsOf({ stock, policy }: Seen, next: Stock, event: MovementEvent): readonly StockEvent[] {
  const available = availableOf(next);
  const falls = availableOf(stock) > policy.lowStock && available <= policy.lowStock;
  return falls ? [{ type: "stock.low.v1", data: { ...next, available } }, event] : [event];
}
