// What billing stores, and how it is shown.
import type { Invoice, Payment } from "../../core/contracts/billing.ts";
import { money } from "../../core/kernel/money.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import { shownLines, type InvoiceState } from "./invoice.domain.ts";
import { capturedOf, refundedOf, type PaymentState } from "./payment.domain.ts";

export const paymentCollection: CollectionSpec<PaymentState> = {
  name: "payments",
  aggregate: "payment",
  indexes: [
    { on: ["createdAt"] },
    { on: ["orderId", "createdAt"] },
    { on: ["customerId", "createdAt"] },
    { on: ["dueAt"] },
  ],
  schemaVersion: 1,
};

export const invoiceCollection: CollectionSpec<InvoiceState> = {
  name: "invoices",
  aggregate: "invoice",
  indexes: [
    { on: ["number"], unique: true },
    { on: ["issuedAt"] },
    { on: ["orderId", "issuedAt"] },
    { on: ["customerId", "issuedAt"] },
    { on: ["type", "issuedAt"] },
    { on: ["status", "draftedAt"] },
  ],
  schemaVersion: 1,
};

/** One number of a flight: it belongs to that document and to no other. */
export interface Flight {
  readonly n: number;
  readonly invoiceId: string;
  /** RFC 3339. */
  readonly issuedAt: string;
}
/** Per series and year ("INV-2026"); `last` is the number that was given last, 0 before the first. */
export interface Counter {
  readonly last: number;
  readonly lastIssuedAt: string | null;
  readonly inFlight: readonly Flight[] | null;
}
export const counterCollection: CollectionSpec<Counter> = {
  name: "numbering",
  aggregate: "numbering",
  indexes: [],
  eventless: true,
  schemaVersion: 1,
};

export function paymentView({ id, version, state }: Versioned<PaymentState>): Payment {
  const { orderId, status, amount, method, declineCode, createdAt } = state;
  return {
    id,
    orderId,
    status,
    amount,
    captured: money(capturedOf(state), amount.currency),
    refunded: money(refundedOf(state), amount.currency),
    refunds: state.refunds.map(({ id, amount: given, status, reason, requestedAt }) => ({
      id,
      amount: money(given, amount.currency),
      status,
      reason,
      requestedAt,
    })),
    method,
    declineCode,
    createdAt,
    version,
  };
}

/** Undefined while it is a draft, which nobody is shown. */
export function invoiceView({ id, version, state }: Versioned<InvoiceState>): Invoice | undefined {
  const { status, issuedAt, number, type, orderId, customerId, references, currency, totals, reason } = state;
  if (status === "DRAFT" || issuedAt === null) return undefined;
  const { externalNumber, externalIssuedAt } = state;
  const lines = shownLines(state);
  const shown = { id, number, type, status, orderId, customerId, references, currency, lines, totals, reason };
  return { ...shown, externalNumber, externalIssuedAt, issuedAt, version };
}
