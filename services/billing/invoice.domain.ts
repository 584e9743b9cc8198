// Invoices and credit notes: drafted, then issued with a number of their own; what is credited is claimed in the invoice first.
import type { Invoice, InvoiceLine } from "../../core/contracts/billing.ts";
import type { DomainEvent, EventData } from "../../core/contracts/index.ts";
import type { OrderLine } from "../../core/contracts/order.ts";
import { accept, canMove, refuse, type Decision, type Transitions } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";
import { add, lineAmounts, money, sumAmounts, type Amounts } from "../../core/kernel/money.ts";

export type InvoiceStatus = "DRAFT" | Invoice["status"];

export const invoiceTransitions: Transitions<InvoiceStatus> = {
  DRAFT: ["OPEN", "PAID", "VOID"],
  OPEN: ["PAID", "VOID", "UNCOLLECTIBLE"],
  PAID: [],
  VOID: [],
  UNCOLLECTIBLE: ["PAID"],
};

/** `lineId` is the order's; null without an order. */
export interface StoredLine extends InvoiceLine {
  readonly lineId: string | null;
}

interface CreditedLine extends Amounts {
  readonly lineId: string;
  readonly quantity: number;
}
/** What a credit note takes of its invoice, stored here before the note is made. */
interface CreditClaim {
  readonly id: string;
  readonly lines: readonly CreditedLine[];
}

export interface InvoiceState {
  readonly type: "INVOICE" | "CREDIT_NOTE";
  readonly status: InvoiceStatus;
  /** `draft:<id>` while it is a draft: every document has one, and no two the same. */
  readonly number: string;
  /** "INV-2026": fixed when it is drafted. */
  readonly series: string;
  /** What issuing makes of it. */
  readonly issueAs: "OPEN" | "PAID";
  readonly orderId: string | null;
  readonly customerId: string | null;
  readonly email: string | null;
  readonly references: string | null;
  readonly currency: string;
  readonly lines: readonly StoredLine[];
  readonly totals: Amounts;
  readonly reason: string | null;
  readonly restock: boolean;
  readonly externalNumber: string | null;
  readonly externalIssuedAt: string | null;
  /** RFC 3339, as all times here. */
  readonly draftedAt: string;
  readonly issuedAt: string | null;
  readonly credits: readonly CreditClaim[];
  /** Of the request that made it; "" without a key. */
  readonly fingerprint: string;
}

type Confirmed = EventData<"order.confirmed.v1">;
type Draft = Pick<InvoiceState, "type" | "issueAs" | "currency" | "lines"> & Partial<InvoiceState>;

export function draft(id: string, draftedAt: string, content: Draft): InvoiceState {
  const prefix = content.type === "INVOICE" ? "INV" : "CN";
  return {
    orderId: null,
    customerId: null,
    email: null,
    references: null,
    reason: null,
    restock: false,
    externalNumber: null,
    externalIssuedAt: null,
    fingerprint: "",
    ...content,
    status: "DRAFT",
    number: `draft:${id}`,
    series: `${prefix}-${draftedAt.slice(0, 4)}`,
    totals: sumAmounts(content.lines, content.currency),
    draftedAt,
    issuedAt: null,
    credits: [],
  };
}

const ofOrderLine = ({ id, name, ...line }: OrderLine): StoredLine => ({ lineId: id, description: name, ...line });

export function invoiceOf(id: string, order: Confirmed, draftedAt: string): InvoiceState {
  const { orderId, customerId, email, currency, totals } = order;
  const isPaid = totals.gross.amount === 0 || order.payment?.status === "CAPTURED";
  const lines = order.lines.map(ofOrderLine);
  const issueAs = isPaid ? "PAID" : "OPEN";
  return draft(id, draftedAt, { type: "INVOICE", issueAs, orderId, customerId, email, currency, lines });
}

export const isNumbered = (state: InvoiceState): boolean => state.status !== "DRAFT";

/** Numbers end in their sequence digits. */
export const numberOf = (series: string, n: number): string => `${series}-${String(n).padStart(6, "0")}`;

export type Issued = { readonly number: string; readonly issuedAt: string };
type InvoiceEvent = DomainEvent<"invoice.issued.v1" | "creditnote.issued.v1">;

/** Refuses WRONG_STATE for what has a number already. */
export function issue(id: string, state: InvoiceState, { number, issuedAt }: Issued): Decision<InvoiceEvent> {
  if (!canMove(invoiceTransitions, state.status, state.issueAs) || state.status !== "DRAFT")
    return refuse(refusal("WRONG_STATE", `${id} is ${state.status}: only a DRAFT is issued`));
  const { orderId, customerId, email, totals } = state;
  const data = { id, number, orderId, customerId, email, lines: shownLines(state), totals, issuedAt };
  if (state.type === "INVOICE") return accept({ type: "invoice.issued.v1", data });
  const { references, reason, restock } = state;
  return accept({ type: "creditnote.issued.v1", data: { ...data, references, reason: reason ?? "", restock } });
}

export const issued = (state: InvoiceState, { data }: InvoiceEvent): InvoiceState => ({
  ...state,
  status: state.issueAs,
  number: data.number,
  issuedAt: data.issuedAt,
});

export const shownLines = ({ lines }: Pick<InvoiceState, "lines">): InvoiceLine[] =>
  lines.map(({ sku, description, quantity, unitPrice, taxRate, net, tax, gross }) => ({
    ...{ sku, description, quantity, unitPrice, taxRate },
    ...{ net, tax, gross },
  }));

/** What is wanted back of one line; `amounts` null: all that is left of them. */
export interface Wanted {
  readonly lineId: string;
  readonly quantity: number;
  readonly amounts: Amounts | null;
}

function leftOf(line: StoredLine, credits: readonly CreditClaim[]): { quantity: number; net: number; tax: number } {
  const taken = credits.flatMap(claim => claim.lines).filter(({ lineId }) => lineId === line.lineId);
  return taken.reduce(
    (left, { quantity, net, tax }) => ({
      quantity: left.quantity - quantity,
      net: left.net - net.amount,
      tax: left.tax - tax.amount,
    }),
    { quantity: line.quantity, net: line.net.amount, tax: line.tax.amount },
  );
}

function creditedLine(line: StoredLine, wanted: Wanted, credits: readonly CreditClaim[]): CreditedLine | null {
  const left = leftOf(line, credits);
  const quantity = Math.min(wanted.quantity, left.quantity);
  if (quantity <= 0) return null;
  const { currency } = line.net;
  const all = { net: money(left.net, currency), tax: money(left.tax, currency) };
  const asked = wanted.quantity === quantity ? wanted.amounts : lineAmounts(line.unitPrice, quantity, line.taxRate);
  const net = asked === null || asked.net.amount > left.net ? all.net : asked.net;
  const tax = asked === null || asked.tax.amount > left.tax ? all.tax : asked.tax;
  return { lineId: wanted.lineId, quantity, net, tax, gross: add(net, tax) };
}

/** The lines of an invoice that nobody has credited yet. */
export const uncredited = (invoice: InvoiceState): Wanted[] =>
  invoice.lines.flatMap(line =>
    line.lineId === null ? [] : [{ lineId: line.lineId, quantity: line.quantity, amounts: null }],
  );

/** Lines that come back, at the order's price. */
export const returned = (credit: readonly OrderLine[]): Wanted[] =>
  credit.map(({ id, quantity, net, tax, gross }) => ({ lineId: id, quantity, amounts: { net, tax, gross } }));

/** The invoice with the claim of that credit note: never more of a line than is left. Null: it claims nothing, or has claimed. */
export function claim(invoice: InvoiceState, id: string, wanted: readonly Wanted[]): InvoiceState | null {
  if (invoice.credits.some(credit => credit.id === id)) return null;
  const lines = wanted.flatMap(want => {
    const line = invoice.lines.find(({ lineId }) => lineId === want.lineId);
    return line === undefined ? [] : (creditedLine(line, want, invoice.credits) ?? []);
  });
  return lines.length === 0 ? null : { ...invoice, credits: [...invoice.credits, { id, lines }] };
}

export type NoteDetails = Pick<InvoiceState, "reason" | "externalNumber" | "externalIssuedAt">;

/** The draft of a claimed credit note; null when nothing was claimed for it. */
export function creditNoteOf(
  id: string,
  { id: references, state: invoice }: { id: string; state: InvoiceState },
  details: NoteDetails,
  draftedAt: string,
): InvoiceState | null {
  const claimed = invoice.credits.find(credit => credit.id === id);
  if (claimed === undefined) return null;
  const lines = claimed.lines.flatMap(({ lineId, ...credited }): StoredLine[] => {
    const line = invoice.lines.find(each => each.lineId === lineId);
    return line === undefined ? [] : [{ ...line, ...credited }];
  });
  const { orderId, customerId, email, currency } = invoice;
  const whose = { orderId, customerId, email, currency, references };
  return draft(id, draftedAt, { type: "CREDIT_NOTE", issueAs: "PAID", ...whose, ...details, lines });
}
