import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import {
  Amounts,
  closed,
  Currency,
  Email,
  Id,
  Keyed,
  Money,
  Name,
  nullable,
  Page,
  pageQuery,
  Price,
  Quantity,
  Reason,
  Sku,
  TaxRate,
  Timestamp,
  Units,
  Version,
} from "./common.ts";
import { park, react } from "./reactions.ts";

export const OrderStatus = Type.Enum(["PENDING", "CONFIRMED", "COMPLETED", "REJECTED", "CANCELLED"]);
export const PaymentStatus = Type.Enum([
  "NOT_PAID",
  "AUTHORIZED",
  "CAPTURED",
  "PARTIALLY_REFUNDED",
  "REFUNDED",
  "FAILED",
]);
export const FulfillmentStatus = Type.Enum([
  "UNFULFILLED",
  "PARTIALLY_FULFILLED",
  "FULFILLED",
  "SHIPPED",
  "DELIVERED",
  "RETURNED",
]);
export const RejectionCode = Type.Enum([
  "OUT_OF_STOCK",
  "PAYMENT_DECLINED",
  "PAYMENT_UNAVAILABLE",
  "RESERVATION_EXPIRED",
  "PRODUCT_UNAVAILABLE",
  "CANCELLED",
]);

export const OrderLine = closed({
  id: Id,
  sku: Sku,
  name: Name,
  quantity: Units,
  unitPrice: Price,
  taxRate: TaxRate,
  net: Money,
  tax: Money,
  gross: Money,
});
export type OrderLine = Static<typeof OrderLine>;

const ShippedLine = closed({ lineId: Id, sku: Sku, quantity: Units });
export const Shipment = closed({
  id: Id,
  lines: Type.Array(ShippedLine),
  trackingNumber: nullable(Type.String()),
  shippedAt: Timestamp,
});
export type Shipment = Static<typeof Shipment>;
export const Return = closed({
  id: Id,
  lines: Type.Array(ShippedLine),
  reason: Reason,
  restock: Type.Boolean(),
  /** The number and date of an imported return. */
  number: nullable(Type.String()),
  returnedAt: nullable(Timestamp),
  recordedAt: Timestamp,
});
export type Return = Static<typeof Return>;

export const Order = closed({
  id: Id,
  number: Type.String(),
  status: OrderStatus,
  paymentStatus: PaymentStatus,
  fulfillmentStatus: FulfillmentStatus,
  customerId: nullable(Id),
  email: nullable(Email),
  currency: Currency,
  lines: Type.Array(OrderLine),
  totals: Amounts,
  payment: nullable(closed({ id: Id, status: PaymentStatus })),
  invoiceId: nullable(Id),
  rejection: nullable(closed({ code: RejectionCode, detail: Type.String(), sku: Type.Optional(Sku) })),
  shipments: Type.Array(Shipment),
  returns: Type.Array(Return),
  placedAt: Timestamp,
  createdAt: Timestamp,
  version: Version,
});
export type Order = Static<typeof Order>;

export const TimelineEntry = closed({
  at: Timestamp,
  kind: Type.Enum(["STATE", "STEP"]),
  /** The new state, or the step's name. */
  name: Type.String(),
  direction: nullable(Type.Enum(["FORWARD", "UNDO"])),
  attempt: nullable(Type.Integer({ minimum: 1 })),
  /** Of a step: done, refused with its code, or unknown (asked again). */
  outcome: nullable(Type.String()),
  detail: nullable(Type.String()),
});
export type TimelineEntry = Static<typeof TimelineEntry>;

const PlacedLine = closed({ sku: Sku, quantity: Quantity, unitPrice: Type.Optional(Price) });
const ExternalNumber = Type.String({ minLength: 1, maxLength: 64, pattern: "^[!-~]+$" });
const LineSelection = closed({ lineId: Type.Optional(Id), sku: Type.Optional(Sku), quantity: Units });
export type LineSelection = Static<typeof LineSelection>;

export const PlaceOrder = closed({
  customerId: Type.Optional(Id),
  email: Type.Optional(Email),
  currency: Currency,
  lines: Type.Array(PlacedLine, { minItems: 1, maxItems: 1000 }),
  /** Required unless the total is 0. */
  payment: Type.Optional(closed({ method: Type.String({ minLength: 1, maxLength: 64, pattern: "^[!-~]+$" }) })),
  placedAt: Type.Optional(Timestamp),
  number: Type.Optional(ExternalNumber),
});
export type PlaceOrder = Static<typeof PlaceOrder>;

const at = "/v1/orders/{id}";

export const orderActions = {
  "v1.order.place": action({
    params: PlaceOrder,
    result: Keyed(Order),
    auth: "orders:write",
    rest: {
      method: "POST",
      path: "/v1/orders",
      summary: "Place an order",
      status: "order",
      key: "required",
      location: at,
    },
  }),
  "v1.order.get": action({
    params: closed({ id: Id }),
    result: Order,
    auth: "orders:read",
    read: true,
    rest: { method: "GET", path: at, summary: "One order" },
  }),
  "v1.order.list": action({
    params: closed({
      customerId: Type.Optional(Id),
      status: Type.Optional(OrderStatus),
      placedFrom: Type.Optional(Timestamp),
      placedTo: Type.Optional(Timestamp),
      ...pageQuery,
    }),
    result: Page(Order),
    auth: "orders:read",
    read: true,
    rest: { method: "GET", path: "/v1/orders", summary: "Orders, the last placed first" },
  }),
  "v1.order.timeline": action({
    params: closed({ id: Id }),
    result: Page(TimelineEntry),
    auth: "orders:read",
    read: true,
    rest: { method: "GET", path: `${at}/timeline`, summary: "Every state change and saga step of an order" },
  }),
  "v1.order.cancel": action({
    params: closed({ id: Id, reason: Reason }),
    result: Keyed(Order),
    auth: "orders:write",
    rest: { method: "POST", path: `${at}/cancel`, summary: "Cancel an order before it is shipped", key: "required" },
  }),
  "v1.order.ship": action({
    params: closed({
      id: Id,
      lines: Type.Optional(Type.Array(LineSelection, { minItems: 1, maxItems: 1000 })),
      trackingNumber: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    }),
    result: Keyed(Order),
    auth: "orders:fulfil",
    rest: {
      method: "POST",
      path: `${at}/shipments`,
      summary: "Ship all that is left, or some lines",
      status: 201,
      key: "required",
      location: at,
    },
  }),
  "v1.order.return": action({
    params: closed({
      id: Id,
      lines: Type.Array(LineSelection, { minItems: 1, maxItems: 1000 }),
      reason: Reason,
      restock: Type.Boolean(),
      number: Type.Optional(ExternalNumber),
      returnedAt: Type.Optional(Timestamp),
    }),
    result: Keyed(Order),
    auth: "orders:fulfil",
    rest: {
      method: "POST",
      path: `${at}/returns`,
      summary: "Take shipped goods back, refund and credit them",
      status: 201,
      key: "required",
      location: at,
    },
  }),
  "v1.order.react": react,
  "v1.order.park": park,
};

const whose = {
  orderId: Id,
  number: Type.String(),
  customerId: nullable(Id),
  email: nullable(Email),
  currency: Currency,
};
const sold = { ...whose, lines: Type.Array(OrderLine), totals: Amounts, placedAt: Timestamp };

export const orderEvents = {
  "order.placed.v1": closed(sold),
  "order.confirmed.v1": closed({ ...sold, payment: nullable(closed({ id: Id, status: PaymentStatus })) }),
  "order.rejected.v1": closed({ ...whose, code: RejectionCode, detail: Type.String(), sku: Type.Optional(Sku) }),
  "order.cancelled.v1": closed({ ...whose, reason: Reason, lines: Type.Array(ShippedLine) }),
  "order.shipped.v1": closed({ ...whose, shipment: Shipment, fulfillmentStatus: FulfillmentStatus }),
  /** `credit` holds the returned quantities at the order's price. */
  "order.returned.v1": closed({ ...whose, return: Return, credit: Type.Array(OrderLine) }),
};
