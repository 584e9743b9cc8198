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
  Reason,
  Sku,
  TaxRate,
  Timestamp,
  Version,
  Quantity,
} from "./common.ts";
import { park, react } from "./reactions.ts";

export const PaymentState = Type.Enum([
  "CREATED",
  "AUTHORIZED",
  "CAPTURED",
  "PARTIALLY_REFUNDED",
  "REFUNDED",
  "VOIDED",
  "FAILED",
]);

export const Refund = closed({
  id: Id,
  amount: Money,
  status: Type.Enum(["PENDING", "SUCCEEDED", "FAILED"]),
  reason: Type.String(),
  requestedAt: Timestamp,
});
export const Payment = closed({
  id: Id,
  orderId: Id,
  status: PaymentState,
  amount: Money,
  captured: Money,
  refunded: Money,
  refunds: Type.Array(Refund),
  method: Type.String(),
  declineCode: nullable(Type.String()),
  createdAt: Timestamp,
  version: Version,
});
export type Payment = Static<typeof Payment>;

export const InvoiceLine = closed({
  sku: nullable(Sku),
  description: Name,
  quantity: Type.Integer({ minimum: 1 }),
  unitPrice: Price,
  taxRate: TaxRate,
  net: Money,
  tax: Money,
  gross: Money,
});
export type InvoiceLine = Static<typeof InvoiceLine>;

export const Invoice = closed({
  id: Id,
  number: Type.String(),
  type: Type.Enum(["INVOICE", "CREDIT_NOTE"]),
  status: Type.Enum(["OPEN", "PAID", "VOID", "UNCOLLECTIBLE"]),
  orderId: nullable(Id),
  customerId: nullable(Id),
  /** The id of the invoice that a credit note is for. */
  references: nullable(Id),
  currency: Currency,
  lines: Type.Array(InvoiceLine),
  totals: Amounts,
  reason: nullable(Type.String()),
  externalNumber: nullable(Type.String()),
  externalIssuedAt: nullable(Timestamp),
  issuedAt: Timestamp,
  version: Version,
});
export type Invoice = Static<typeof Invoice>;

const CreditLine = closed({
  sku: Type.Optional(Sku),
  description: Name,
  quantity: Quantity,
  unitPrice: Price,
  taxRate: Type.Optional(TaxRate),
});
const forOrder = closed({ orderId: Id });
/** `customerId` is who may see the payment besides staff. */
const forPayment = closed({
  orderId: Id,
  customerId: Type.Optional(nullable(Id)),
  amount: Money,
  method: Type.String(),
});
const period = { from: Type.Optional(Timestamp), to: Type.Optional(Timestamp) };

export const billingActions = {
  "v1.billing.payments": action({
    params: closed({ orderId: Type.Optional(Id), ...pageQuery }),
    result: Page(Payment),
    auth: "billing:read",
    read: true,
    rest: { method: "GET", path: "/v1/payments", summary: "Payments, newest first" },
  }),
  "v1.billing.payment": action({
    params: closed({ id: Id }),
    result: Payment,
    auth: "billing:read",
    read: true,
    rest: { method: "GET", path: "/v1/payments/{id}", summary: "One payment" },
  }),
  "v1.billing.refund": action({
    params: closed({
      id: Id,
      amount: Type.Optional(Type.Union([Price, Type.Integer({ minimum: 1 })])),
      reason: Reason,
    }),
    result: Keyed(Payment),
    auth: "billing:write",
    rest: {
      method: "POST",
      path: "/v1/payments/{id}/refunds",
      summary: "Give money back: all that is left, or an amount",
      status: 201,
      key: "required",
      location: "/v1/payments/{id}",
    },
  }),
  "v1.billing.invoices": action({
    params: closed({
      orderId: Type.Optional(Id),
      type: Type.Optional(Type.Enum(["INVOICE", "CREDIT_NOTE"])),
      ...period,
      ...pageQuery,
    }),
    result: Page(Invoice),
    auth: "billing:read",
    read: true,
    rest: { method: "GET", path: "/v1/invoices", summary: "Invoices and credit notes, newest first" },
  }),
  "v1.billing.invoice": action({
    params: closed({ id: Id }),
    result: Invoice,
    auth: "billing:read",
    read: true,
    rest: { method: "GET", path: "/v1/invoices/{id}", summary: "One invoice or credit note" },
  }),
  "v1.billing.credit": action({
    params: closed({
      customerId: Type.Optional(Id),
      currency: Currency,
      lines: Type.Array(CreditLine, { minItems: 1, maxItems: 1000 }),
      reason: Reason,
      restock: Type.Boolean(),
      number: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      issuedAt: Type.Optional(Timestamp),
    }),
    result: Keyed(Invoice),
    auth: "billing:write",
    rest: {
      method: "POST",
      path: "/v1/credit-notes",
      summary: "A credit without an order",
      status: 201,
      key: "required",
      location: "/v1/invoices/{id}",
    },
  }),
  /** EVENT_BACKLOG when no new work may come in; asked before an order document exists. */
  "v1.billing.admit": action({ params: closed({}), result: closed({}), auth: "internal", read: true }),
  /** Keyed by orderId. Refuses PAYMENT_DECLINED (data.declineCode) and PAYMENT_VOIDED; anything else is unknown. */
  "v1.billing.authorize": action({
    params: forPayment,
    result: Payment,
    auth: "internal",
  }),
  /** Keyed by orderId. Refuses PAYMENT_DECLINED and PAYMENT_VOIDED. */
  "v1.billing.capture": action({ params: forOrder, result: Payment, auth: "internal" }),
  /** Done once it is stored; billing then asks the provider until it knows. A void that comes first is met by the late authorise. */
  "v1.billing.void": action({
    params: forPayment,
    result: closed({}),
    auth: "internal",
  }),
  "v1.billing.react": react,
  "v1.billing.park": park,
};

const paymentEvent = { paymentId: Id, orderId: Id, amount: Money, status: PaymentState };
const documentEvent = {
  id: Id,
  number: Type.String(),
  orderId: nullable(Id),
  customerId: nullable(Id),
  email: nullable(Email),
  lines: Type.Array(InvoiceLine),
  totals: Amounts,
  issuedAt: Timestamp,
};

export const billingEvents = {
  "payment.captured.v1": closed(paymentEvent),
  "payment.failed.v1": closed({ ...paymentEvent, declineCode: Type.String() }),
  "payment.voided.v1": closed(paymentEvent),
  /** `amount` is this refund, `refunded` all refunds so far. */
  "payment.refunded.v1": closed({ ...paymentEvent, refundId: Id, refunded: Money }),
  "invoice.issued.v1": closed(documentEvent),
  /** `restock`: the goods of a credit note without an order go back on the shelf. */
  "creditnote.issued.v1": closed({
    ...documentEvent,
    references: nullable(Id),
    reason: Type.String(),
    restock: Type.Boolean(),
  }),
};
