// Goods that come in, are counted anew or come back, and the movement that each stock event is.
import type { Keyed } from "../../core/contracts/common.ts";
import type { Movement } from "../../core/contracts/inventory.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { refuse } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";
import type { Entry } from "../../core/store/port.ts";
import {
  availableOf,
  eventsOf,
  moveBy,
  unchanged,
  type Decided,
  type MovementEvent,
  type Seen,
  type Stock,
  type StockEntry,
} from "./inventory.domain.ts";

export const commandMovementId = (commandId: string): string => `mov:${commandId}`;
export const saleId = (shipmentId: string, sku: string): string => `sale:${shipmentId}:${sku}`;
export const returnMovementId = (returnId: string, sku: string): string => `return:${returnId}:${sku}`;

const types = {
  "stock.received.v1": "RECEIPT",
  "stock.adjusted.v1": "ADJUSTMENT",
  "stock.reserved.v1": "RESERVATION",
  "stock.released.v1": "RELEASE",
  "stock.expired.v1": "RELEASE",
  "stock.committed.v1": "ALLOCATION",
  "stock.sold.v1": "SALE",
  "stock.returned.v1": "RETURN",
} as const satisfies Record<MovementEvent["type"], Movement["type"]>;

function movementId({ data }: MovementEvent, seq: number): string {
  if ("movementId" in data) return data.movementId;
  if ("shipmentId" in data) return saleId(data.shipmentId, data.sku);
  if ("returnId" in data) return returnMovementId(data.returnId, data.sku);
  return `stock:${data.sku}:${String(seq)}`;
}

/** `seq` and `at` are those of the event. */
export function movementOf(event: MovementEvent, seq: number, at: string): Movement {
  const { type, data } = event;
  return {
    id: movementId(event, seq),
    sku: data.sku,
    seq,
    type: types[type],
    quantity: data.quantity,
    onHand: data.onHand,
    orderId: "orderId" in data ? data.orderId : null,
    reason: "reason" in data ? data.reason : null,
    at,
  };
}

export const repeated = (seen: Seen, movement: Movement): Decided<Keyed<Movement>> =>
  unchanged(seen, { replayed: true, resource: movement });

/** A keyed movement: it stays in the item for the retention, so that a repeat finds it before the projection has it. */
export function applied(
  seen: Seen,
  next: Stock,
  event: MovementEvent,
  others: ReadonlyMap<string, Entry<StockEntry>> = new Map(),
): Decided<Keyed<Movement>> {
  const { seq, now, policy } = seen;
  const events = eventsOf(seen, next, event);
  const movement = movementOf(event, seq + events.length, timestamp(now));
  const entry: Entry<StockEntry> = { value: { state: "APPLIED", movement }, dueAt: now + policy.retention };
  const entries = new Map([...others, [movement.id, entry]]);
  return { ok: true, stock: next, events, entries, result: { replayed: false, resource: movement } };
}

export function decideReceive(
  seen: Seen,
  receipt: { movementId: string; quantity: number; reason: string | null },
): Decided<Keyed<Movement>> {
  if (seen.applied !== null) return repeated(seen, seen.applied);
  const next = moveBy(seen.stock, { onHand: receipt.quantity });
  return applied(seen, next, { type: "stock.received.v1", data: { ...next, ...receipt } });
}

/** @param adjustment.quantity positive or negative */
export function decideAdjust(
  seen: Seen,
  adjustment: { movementId: string; quantity: number; reason: string },
): Decided<Keyed<Movement>> {
  if (seen.applied !== null) return repeated(seen, seen.applied);
  const next = moveBy(seen.stock, { onHand: adjustment.quantity });
  if (availableOf(next) < 0) {
    const { sku } = next;
    const available = availableOf(seen.stock);
    const detail = `Only ${String(available)} of ${sku} are neither reserved nor allocated: take away no more than that`;
    return refuse(refusal("INSUFFICIENT_STOCK", detail, { sku, available }));
  }
  return applied(seen, next, { type: "stock.adjusted.v1", data: { ...next, ...adjustment } });
}

/** Goods come back, once per return. */
export function decideRestock(
  seen: Seen,
  restock: { returnId: string; orderId: string | null; quantity: number },
): Decided<Keyed<Movement>> {
  if (seen.applied !== null) return repeated(seen, seen.applied);
  const next = moveBy(seen.stock, { onHand: restock.quantity });
  return applied(seen, next, { type: "stock.returned.v1", data: { ...next, ...restock } });
}
