import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, Id, Keyed, nullable, Page, pageQuery, Quantity, Reason, Sku, Timestamp, Units } from "./common.ts";
import { park, react } from "./reactions.ts";

const Count = Type.Integer({ minimum: 0 });

/** onHand = available + reserved + allocated. `version` counts the writes of the item. */
export const StockItem = closed({
  sku: Sku,
  onHand: Count,
  reserved: Count,
  allocated: Count,
  available: Count,
  version: Type.Integer({ minimum: 0 }),
});
export type StockItem = Static<typeof StockItem>;

export const MovementType = Type.Enum([
  "RECEIPT",
  "ADJUSTMENT",
  "RESERVATION",
  "RELEASE",
  "ALLOCATION",
  "SALE",
  "RETURN",
]);

export const Movement = closed({
  id: Type.String({ description: "Of a receipt or an adjustment: follows from its Idempotency-Key" }),
  sku: Sku,
  seq: Type.Integer({ minimum: 1, description: "The number of its event within the stock item" }),
  type: MovementType,
  quantity: Type.Integer({
    description: "By how much it changes the count of its type; negative for a lowering adjustment",
  }),
  onHand: Count,
  orderId: nullable(Id),
  reason: nullable(Type.String()),
  at: Timestamp,
});
export type Movement = Static<typeof Movement>;

const forOrder = closed({ orderId: Id, sku: Sku });

export const inventoryActions = {
  "v1.inventory.get": action({
    params: closed({ sku: Sku }),
    result: StockItem,
    auth: "inventory:read",
    read: true,
    rest: {
      method: "GET",
      path: "/v1/inventory/{sku}",
      summary: "What is on hand, reserved, allocated and available",
    },
  }),
  "v1.inventory.receive": action({
    params: closed({ sku: Sku, quantity: Quantity, reason: Type.Optional(Reason) }),
    result: Keyed(Movement),
    auth: "inventory:write",
    rest: {
      method: "POST",
      path: "/v1/inventory/{sku}/receipts",
      summary: "Goods come in",
      status: 201,
      key: "required",
      location: "/v1/inventory/{sku}/movements",
    },
  }),
  "v1.inventory.adjust": action({
    params: closed({
      sku: Sku,
      quantity: Type.Integer({ minimum: -1_000_000, maximum: 1_000_000, not: { const: 0 } }),
      reason: Reason,
    }),
    result: Keyed(Movement),
    auth: "inventory:write",
    rest: {
      method: "POST",
      path: "/v1/inventory/{sku}/adjustments",
      summary: "Correct the count",
      status: 201,
      key: "required",
      location: "/v1/inventory/{sku}/movements",
    },
  }),
  "v1.inventory.movements": action({
    params: closed({ sku: Sku, ...pageQuery }),
    result: Page(Movement),
    auth: "inventory:read",
    read: true,
    rest: { method: "GET", path: "/v1/inventory/{sku}/movements", summary: "What moved, newest first" },
  }),
  /** EVENT_BACKLOG when no new work may come in; asked before an order document exists. */
  "v1.inventory.admit": action({ params: closed({}), result: closed({}), auth: "internal", read: true }),
  /** Keyed by (orderId, sku). Refuses OUT_OF_STOCK; RESERVATION_EXPIRED when it ended before. */
  "v1.inventory.reserve": action({
    params: closed({ orderId: Id, sku: Sku, quantity: Units }),
    result: closed({ expiresAt: Timestamp }),
    auth: "internal",
  }),
  /** RESERVED → COMMITTED. Refuses RESERVATION_EXPIRED when the reservation is not there any more. */
  "v1.inventory.commit": action({ params: forOrder, result: closed({}), auth: "internal" }),
  /** Undoes reserve and commit, and leaves a terminal entry when it comes first. Never refuses. */
  "v1.inventory.release": action({ params: forOrder, result: closed({}), auth: "internal" }),
  "v1.inventory.react": react,
  "v1.inventory.park": park,
};

const counts = { sku: Sku, onHand: Count, reserved: Count, allocated: Count };
const orderQuantity = { orderId: Id, quantity: Units };

export const inventoryEvents = {
  "stock.received.v1": closed({
    ...counts,
    movementId: Type.String(),
    quantity: Quantity,
    reason: nullable(Type.String()),
  }),
  "stock.adjusted.v1": closed({
    ...counts,
    movementId: Type.String(),
    quantity: Type.Integer(),
    reason: Type.String(),
  }),
  "stock.reserved.v1": closed({ ...counts, ...orderQuantity, expiresAt: Timestamp }),
  "stock.released.v1": closed({ ...counts, ...orderQuantity }),
  "stock.expired.v1": closed({ ...counts, ...orderQuantity }),
  "stock.committed.v1": closed({ ...counts, ...orderQuantity }),
  "stock.sold.v1": closed({ ...counts, ...orderQuantity, shipmentId: Type.String() }),
  "stock.returned.v1": closed({ ...counts, quantity: Units, orderId: nullable(Id), returnId: Type.String() }),
  /** Available fell to the low-stock threshold or below. */
  "stock.low.v1": closed({ ...counts, available: Count }),
};
