import { Type, type Static, type TProperties, type TSchema } from "typebox";
import { action } from "./action.ts";
import { Amount, closed, Id, nullable, Page, pageQuery, Timestamp } from "./common.ts";
import { park, react } from "./reactions.ts";

export const checkNames = ["stock", "charges", "invoices", "numbers", "overdue", "events"] as const;
const Check = Type.Enum([...checkNames]);
export type CheckName = (typeof checkNames)[number];

/** critical: a promise is broken. warning: something takes longer than it may. */
export const Severity = Type.Enum(["critical", "warning"]);

/** Not an Id: a SKU may hold spaces and any printable character. */
const Subject = Type.String({ minLength: 1, maxLength: 300 });
const violation = {
  id: Id,
  check: Check,
  severity: Severity,
  /** What it is about: "stock:85123A", "order:…", "payment:pay:…", "series:INV-2026:17". */
  subject: Subject,
  detail: Type.String(),
  expected: Type.String(),
  actual: Type.String(),
  firstSeen: Timestamp,
};
export const Finding = closed({ ...violation, lastSeen: Timestamp, status: Type.Enum(["OPEN", "RESOLVED"]) });
export type Finding = Static<typeof Finding>;

export const CheckRun = closed({
  check: Check,
  /** The last complete run; null before the first. */
  finishedAt: nullable(Timestamp),
  durationMs: nullable(Type.Integer()),
  /** Objects looked at. */
  looked: Type.Integer(),
  /** Why the last attempt did not come to its end; null when it did. */
  error: nullable(Type.String()),
});
export type CheckRun = Static<typeof CheckRun>;

const { items, nextCursor } = Page(Finding).properties;

export const auditActions = {
  "v1.audit.list": action({
    params: closed({
      status: Type.Optional(Type.Enum(["OPEN", "RESOLVED"])),
      check: Type.Optional(Check),
      ...pageQuery,
    }),
    result: closed({ items, nextCursor, checks: Type.Array(CheckRun) }),
    auth: "ops:read",
    read: true,
    rest: {
      method: "GET",
      path: "/v1/audit",
      summary: "Broken invariants, the last seen first, and when each was checked",
    },
  }),
  "v1.audit.react": react,
  "v1.audit.park": park,
};

export const auditEvents = {
  "audit.violation.v1": closed(violation),
  "audit.resolved.v1": closed({ id: Id, check: Check, subject: Subject, resolvedAt: Timestamp }),
};

/** Facts about some documents: these ids, or a page in the order of the ids. */
const inspection = <F extends TSchema, P extends TProperties>(facts: F, more: P) =>
  action({
    params: closed({
      ...more,
      ids: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 300 }), { maxItems: 500 })),
      after: Type.Optional(Type.String({ maxLength: 300 })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    }),
    result: closed({ items: Type.Array(facts), next: nullable(Type.String()) }),
    auth: "internal",
    read: true,
  });

const Count = Type.Integer();
const document = {
  id: Type.String(),
  version: Count,
  /** The number of its last event. */
  seq: Count,
  /** So many of its events still wait in the outbox; null when that was not looked at (pages). */
  pending: nullable(Count),
};

/** Where all that is checked is whether its events came to the log. */
const DocumentFacts = closed(document);
export type DocumentFacts = Static<typeof DocumentFacts>;

const StockFacts = closed({
  ...document,
  onHand: Count,
  reserved: Count,
  allocated: Count,
  /** Sums over its live reservations. */
  held: closed({ reserved: Count, allocated: Count }),
});
export type StockFacts = Static<typeof StockFacts>;

const OrderFacts = closed({
  ...document,
  status: Type.String(),
  createdAt: Timestamp,
  gross: Amount,
  /** Ms since the epoch when another process may take its saga over; null once it has ended. */
  sagaDueAt: nullable(Count),
});
export type OrderFacts = Static<typeof OrderFacts>;

const Operation = closed({
  key: Type.String(),
  type: Type.Enum(["CAPTURE", "REFUND"]),
  amount: Amount,
  status: Type.Enum(["PENDING", "SUCCEEDED", "FAILED"]),
});
export const LedgerLine = closed({
  key: Type.String(),
  type: Type.Enum(["CAPTURE", "REFUND"]),
  amount: Amount,
  approved: Type.Boolean(),
  at: Timestamp,
});
export type LedgerLine = Static<typeof LedgerLine>;

const PaymentFacts = closed({
  ...document,
  orderId: Type.String(),
  status: Type.String(),
  operations: Type.Array(Operation),
  /** Read after the operations: what the provider has under their keys. */
  ledger: Type.Array(LedgerLine),
});
export type PaymentFacts = Static<typeof PaymentFacts>;

const ChargeFacts = closed({
  ...LedgerLine.properties,
  orderId: nullable(Type.String()),
  /** Read after the line: null when there is no payment; its operations otherwise. */
  operations: nullable(Type.Array(Operation)),
});
export type ChargeFacts = Static<typeof ChargeFacts>;

const InvoiceFacts = closed({
  ...document,
  number: Type.String(),
  type: Type.Enum(["INVOICE", "CREDIT_NOTE"]),
  status: Type.String(),
  orderId: nullable(Type.String()),
  gross: Amount,
});
export type InvoiceFacts = Static<typeof InvoiceFacts>;

const SeriesFacts = closed({ series: Type.String(), last: Count, inFlight: Count });
export type SeriesFacts = Static<typeof SeriesFacts>;

const Overdue = closed({ subject: Type.String(), since: Timestamp, detail: Type.String() });
export type Overdue = Static<typeof Overdue>;

const Waiting = closed({
  aggregate: Type.String(),
  subject: Type.String(),
  sequence: Count,
  type: Type.String(),
  time: Timestamp,
});
export type Waiting = Static<typeof Waiting>;

/** The oldest event in each of a service's outboxes. */
export const waiting = action({
  params: closed({}),
  result: closed({ oldest: Type.Array(Waiting) }),
  auth: "internal",
  read: true,
});

/** Of what should have ended before that moment (ms since the epoch), the oldest. */
const overdue = <P extends TProperties>(more: P) =>
  action({
    params: closed({ dueBefore: Count, ...more }),
    result: closed({ items: Type.Array(Overdue) }),
    auth: "internal",
    read: true,
  });

/** `after` is a number of the series. */
export const inspections = {
  inventory: { "v1.inventory.inspect": inspection(StockFacts, {}), "v1.inventory.waiting": waiting },
  order: {
    "v1.order.inspect": inspection(OrderFacts, {}),
    "v1.order.overdue": overdue({ createdBefore: Count }),
    "v1.order.waiting": waiting,
  },
  billing: {
    "v1.billing.inspectPayments": inspection(PaymentFacts, {}),
    "v1.billing.inspectCharges": inspection(ChargeFacts, { type: Type.Optional(Type.Enum(["CAPTURE", "REFUND"])) }),
    "v1.billing.inspectInvoices": inspection(InvoiceFacts, { series: Type.Optional(Type.String()) }),
    "v1.billing.inspectSeries": action({
      params: closed({}),
      result: closed({ items: Type.Array(SeriesFacts) }),
      auth: "internal",
      read: true,
    }),
    "v1.billing.overdue": overdue({}),
    "v1.billing.waiting": waiting,
  },
  product: { "v1.product.inspect": inspection(DocumentFacts, {}), "v1.product.waiting": waiting },
  customer: { "v1.customer.inspect": inspection(DocumentFacts, {}), "v1.customer.waiting": waiting },
  account: { "v1.account.inspect": inspection(DocumentFacts, {}), "v1.account.waiting": waiting },
};
