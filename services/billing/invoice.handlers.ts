// Invoices and credit notes: reading them, and a credit without an order.
import { fingerprintOf, keyReused } from "../../core/commands.ts";
import type { ParamsOf } from "../../core/contracts/action.ts";
import type { billingActions, Invoice } from "../../core/contracts/billing.ts";
import { fail } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { beyondLargest, lineAmounts } from "../../core/kernel/money.ts";
import type { Random } from "../../core/kernel/random.ts";
import { listPage } from "../../core/paging.ts";
import { commandId, customerOf, hasScope, maySee, type Request } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { DocumentStore, Versioned } from "../../core/store/port.ts";
import { invoiceView } from "./billing.schema.ts";
import { draft, type InvoiceState, type StoredLine } from "./invoice.domain.ts";
import type { Issuing } from "./invoice.issuing.ts";

type Contract = typeof billingActions;
type InvoiceActions = Pick<Contract, `v1.billing.${"invoices" | "invoice" | "credit"}`>;
type CreditParams = ParamsOf<Contract["v1.billing.credit"]>;

interface InvoiceTools {
  readonly invoices: DocumentStore<InvoiceState>;
  readonly issuing: Issuing;
  readonly clock: Clock;
  readonly random: Random;
}

const noSuch = (id: string) => fail("INVOICE_NOT_FOUND", `There is no invoice or credit note ${id}`);

function shown(document: Versioned<InvoiceState>): Invoice {
  const view = invoiceView(document);
  if (view === undefined) throw noSuch(document.id);
  return view;
}

const inUtc = (moment: string): string => timestamp(Date.parse(moment));

/** Drafts have no issuedAt, and a range leaves out what has none. */
const issuedBetween = (from: string | undefined, to: string | undefined) => ({
  ...(from === undefined ? { gt: "" } : { gte: inUtc(from) }),
  ...(to === undefined ? {} : { lte: inUtc(to) }),
});

function linesOf({ lines, currency }: CreditParams): StoredLine[] {
  const errors = lines.flatMap(({ unitPrice }, index) =>
    unitPrice.currency === currency
      ? []
      : [{ pointer: `/lines/${String(index)}/unitPrice/currency`, message: `must be ${currency}, as the credit note` }],
  );
  if (errors.length > 0) throw fail("VALIDATION_FAILED", "The lines of a credit note are in its currency", { errors });
  const tooLarge = beyondLargest(lines);
  if (tooLarge !== null)
    throw fail("VALIDATION_FAILED", `/lines: ${tooLarge}`, { errors: [{ pointer: "/lines", message: tooLarge }] });
  return lines.map(({ sku = null, taxRate = 0, ...line }) => ({
    ...line,
    lineId: null,
    sku,
    taxRate,
    ...lineAmounts(line.unitPrice, line.quantity, taxRate),
  }));
}

function checkImport({ number, issuedAt }: CreditParams, { principal }: Request): void {
  if (number === undefined && issuedAt === undefined) return;
  if (hasScope(principal, "orders:import")) return;
  throw fail("FORBIDDEN", "number and issuedAt are for imports: they need the scope orders:import");
}

async function emailOf(customerId: string | undefined, request: Request): Promise<string | null> {
  if (customerId === undefined) return null;
  return (await request.call("v1.customer.require", { id: customerId })).email;
}

/** Goods that nobody sells cannot come back either. */
async function requireProducts({ lines }: CreditParams, request: Request): Promise<void> {
  const skus = [...new Set(lines.flatMap(({ sku }) => sku ?? []))];
  if (skus.length === 0) return;
  const { products } = await request.call("v1.product.price", { skus });
  const known = new Set(products.map(({ sku }) => sku));
  const errors = lines.flatMap(({ sku }, index) =>
    sku === undefined || known.has(sku)
      ? []
      : [{ pointer: `/lines/${String(index)}/sku`, message: `no product has the SKU ${sku}` }],
  );
  if (errors.length > 0) throw fail("UNKNOWN_SKU", errors.map(({ message }) => message).join("; "), { errors });
}

async function creditDraft(id: string, params: CreditParams, request: Request, at: string): Promise<InvoiceState> {
  const { customerId, currency, reason, restock, number = null, issuedAt = null } = params;
  const lines = linesOf(params);
  const [email] = await Promise.all([emailOf(customerId, request), requireProducts(params, request)]);
  return draft(id, at, {
    ...{ type: "CREDIT_NOTE", issueAs: "OPEN", customerId: customerId ?? null, email, currency, lines },
    ...{ reason, restock, externalNumber: number, externalIssuedAt: issuedAt, fingerprint: fingerprintOf(request) },
  });
}

export function invoiceHandlers({ invoices, issuing, clock, random }: InvoiceTools): HandlersOf<InvoiceActions> {
  return {
    "v1.billing.invoices": ({ orderId, type, from, to, ...page }, { principal }) => {
      const own = customerOf(principal);
      const where = {
        issuedAt: issuedBetween(from, to),
        ...(own === null ? {} : { customerId: own }),
        ...(orderId === undefined ? {} : { orderId }),
        ...(type === undefined ? {} : { type }),
      };
      return listPage(invoices, { where, orderBy: "issuedAt", direction: "desc" }, page, shown);
    },

    "v1.billing.invoice": async ({ id }, { principal }) => {
      const document = await invoices.load(id);
      if (document === null || !maySee(principal, document.state.customerId)) throw noSuch(id);
      return shown(document);
    },

    "v1.billing.credit": async (params, request) => {
      checkImport(params, request);
      const id = `cn:${commandId(request, () => random.id())}`;
      // What the first request with this key made is not asked for again: its customer may be gone.
      const known = await invoices.load(id);
      const made = known?.state ?? (await creditDraft(id, params, request, timestamp(clock.now())));
      const { replayed, document } = await issuing.issueOnce(id, made, ({ fingerprint }) =>
        keyReused(fingerprint, request),
      );
      return { replayed, resource: shown(document) };
    },
  };
}
