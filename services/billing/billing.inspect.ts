// What billing tells the audit: payments beside the provider's ledger, and invoices with their numbers.
// What is read first of two sides decides what may be missing on the other: an operation is stored before the provider
// is asked, and its outcome after the provider has it.
import {
  inspections,
  type ChargeFacts,
  type InvoiceFacts,
  type Overdue,
  type PaymentFacts,
} from "../../core/contracts/audit.ts";
import { documentFacts, inspect, waitingIn, type Asked, type Looked } from "../../core/inspection.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import { implement, type HandlersOf } from "../../core/service.ts";
import type { DocumentStore } from "../../core/store/port.ts";
import type { Counter } from "./billing.schema.ts";
import type { InvoiceState } from "./invoice.domain.ts";
import type { PaymentState } from "./payment.domain.ts";
import type { LedgerLine, ProviderLedger } from "./provider.port.ts";

export interface Books {
  readonly payments: DocumentStore<PaymentState>;
  readonly invoices: DocumentStore<InvoiceState>;
  readonly counters: DocumentStore<Counter>;
  readonly ledger: ProviderLedger;
}
type Operations = PaymentFacts["operations"];

const PAGE = 100;

export function operationsOf({ capture, refunds }: PaymentState): Operations {
  const captured = capture === null ? [] : [{ ...capture, type: "CAPTURE" as const }];
  const given = refunds.map(refund => ({ ...refund, type: "REFUND" as const }));
  return [...captured, ...given].map(({ key, type, amount, status }) => ({ key, type, amount, status }));
}

/** Every key of ours begins with the payment's id: "pay:<orderId>:capture". Null for what is none of ours. */
export const orderOfKey = (key: string): string | null => /^pay:(.+?):(?:capture|refund)(?:$|:)/.exec(key)?.[1] ?? null;

const paymentFacts = (looked: Looked<PaymentState>): Omit<PaymentFacts, "ledger"> => {
  const { state } = looked.document;
  return { ...documentFacts(looked), orderId: state.orderId, status: state.status, operations: operationsOf(state) };
};

const invoiceFacts = (looked: Looked<InvoiceState>): InvoiceFacts => {
  const { number, type, status, orderId, totals } = looked.document.state;
  return { ...documentFacts(looked), number, type, status, orderId, gross: totals.gross.amount };
};

async function paymentsBesideLedger({ payments, ledger }: Books, asked: Asked) {
  const { items, next } = await inspect(payments, asked, paymentFacts);
  const lines = await ledger.linesOf(items.flatMap(({ operations }) => operations.map(({ key }) => key)));
  const byKey = new Map(lines.map(line => [line.key, line]));
  const beside = items.map(payment => ({
    ...payment,
    ledger: payment.operations.flatMap(({ key }) => byKey.get(key) ?? []),
  }));
  return { items: beside, next };
}

async function linesBesidePayments({ payments }: Books, lines: readonly LedgerLine[]): Promise<ChargeFacts[]> {
  const orders = new Map(lines.map(({ key }) => [key, orderOfKey(key)]));
  const ids = new Set([...orders.values()].flatMap(orderId => (orderId === null ? [] : paymentIdOf(orderId))));
  const found = await payments.loadMany([...ids]);
  const operations = new Map(found.map(({ state }) => [state.orderId, operationsOf(state)]));
  return lines.map(line => {
    const orderId = orders.get(line.key) ?? null;
    return { ...line, orderId, operations: orderId === null ? null : (operations.get(orderId) ?? null) };
  });
}

/** In the order of their numbers; a cursor is "<number> <id>", so that a number given twice is seen twice. */
async function invoicesOf(books: Books, series: string, { after, limit = PAGE }: Asked) {
  const where = { number: { gt: `${series}-`, lt: `${series}.` } };
  const [number = "", id = ""] = after?.split(" ") ?? [];
  const from = after === undefined ? {} : { after: [number, id] as const };
  const { items, next } = await books.invoices.list({ where, orderBy: "number", limit, ...from });
  return {
    items: items.map(document => invoiceFacts({ document, pending: null })),
    next: next === null ? null : next.join(" "),
  };
}

async function overdue({ payments, invoices }: Books, dueBefore: number): Promise<Overdue[]> {
  const draftedAt = { lt: timestamp(dueBefore) };
  const [asking, drafts] = await Promise.all([
    payments.list({ where: { dueAt: { lt: dueBefore } }, orderBy: "dueAt", limit: PAGE }),
    invoices.list({ where: { status: "DRAFT", draftedAt }, orderBy: "draftedAt", limit: PAGE }),
  ]);
  const late = asking.items.map(({ id, state }) => ({
    subject: `payment:${id}`,
    since: timestamp(state.dueAt ?? 0),
    detail: `Billing was to ask the provider about ${id} (${state.status})`,
  }));
  const unnumbered = drafts.items.map(({ id, state }) => ({
    subject: `draft:${id}`,
    since: state.draftedAt,
    detail: `${id} of series ${state.series} is still without a number`,
  }));
  return [...late, ...unnumbered];
}

export function billingInspection(books: Books) {
  const { payments, invoices, counters, ledger } = books;
  const handlers: HandlersOf<typeof inspections.billing> = {
    "v1.billing.inspectPayments": asked => paymentsBesideLedger(books, asked),

    "v1.billing.inspectCharges": async ({ ids, type = "CAPTURE", after, limit = PAGE }) => {
      const from = after === undefined ? {} : { after };
      const { items, next } =
        ids === undefined
          ? await ledger.page({ type, limit, ...from })
          : { items: await ledger.linesOf(ids), next: null };
      return { items: await linesBesidePayments(books, items), next };
    },

    "v1.billing.inspectInvoices": ({ series, ...asked }) =>
      series === undefined ? inspect(invoices, asked, invoiceFacts) : invoicesOf(books, series, asked),

    "v1.billing.inspectSeries": async () => {
      const { items } = await counters.list({ limit: 500 });
      return {
        items: items.map(({ id, state }) => ({ series: id, last: state.last, inFlight: state.inFlight?.length ?? 0 })),
      };
    },

    "v1.billing.overdue": async ({ dueBefore }) => ({ items: await overdue(books, dueBefore) }),

    "v1.billing.waiting": waitingIn(payments, invoices),
  };
  return implement(inspections.billing, handlers);
}
