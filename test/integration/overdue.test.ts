// What the audit calls overdue, each kind of it: in a running shop the sweeps end these within seconds, so here nothing sweeps.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { callerOf } from "../../core/context.ts";
import { ContractValidator } from "../../core/middlewares/validator.ts";
import { write, type DocumentStore } from "../../core/store/port.ts";
import type { Check } from "../../services/audit/check.ts";
import { foldCollection } from "../../services/audit/audit.schema.ts";
import { overdueCheck } from "../../services/audit/overdue.check.ts";
import type { Violation } from "../../services/audit/violation.ts";
import { billingInspection, type Books } from "../../services/billing/billing.inspect.ts";
import { counterCollection, invoiceCollection, paymentCollection } from "../../services/billing/billing.schema.ts";
import type { InvoiceState } from "../../services/billing/invoice.domain.ts";
import type { PaymentState } from "../../services/billing/payment.domain.ts";
import { orderInspection } from "../../services/order/order.inspect.ts";
import { orderCollection, type OrderState } from "../../services/order/order.schema.ts";
import { createManualClock, createManualRandom, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStorage, openMemoryDatabase } from "../support/memory-driver.ts";
import { asked, pendingOrder, product } from "../support/orders.ts";

const patience = { saga: 30_000, pending: 900_000, billing: 60_000 };
const placed = pendingOrder("1", asked([{ sku: "A", quantity: 1 }]), [product("A")]);

let clock: ManualClock;
let broker: ServiceBroker;
let check: Check;
let orders: DocumentStore<OrderState>;
let books: Books;

beforeEach(async () => {
  clock = createManualClock();
  const database = openMemoryDatabase(createMemoryStorage(), {
    ...{ clock, random: createManualRandom(), outboxBound: 1_000 },
  });
  orders = database.collection(orderCollection);
  books = {
    payments: database.collection(paymentCollection),
    invoices: database.collection(invoiceCollection),
    counters: database.collection(counterCollection),
    ledger: { linesOf: () => Promise.resolve([]), page: () => Promise.resolve({ items: [], next: null }) },
  };
  broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  broker.createService({ name: "order", version: 1, actions: orderInspection(orders) });
  broker.createService({ name: "billing", version: 1, actions: billingInspection(books) });
  await broker.start();
  const folds = database.collection(foldCollection);
  check = overdueCheck({ call: callerOf(broker, "audit"), folds, clock }, patience);
});
afterEach(() => broker.stop());

async function found(): Promise<string[]> {
  const all: (Violation | null)[] = [];
  await check.scan({
    page: page => {
      all.push(...page);
      return Promise.resolve();
    },
  });
  return all.flatMap(violation => violation?.subject ?? []);
}

const at = (ms: number): string => new Date(clock.now() - ms).toISOString();
const putOrder = (id: string, change: (state: OrderState) => OrderState) =>
  orders.update(id, () => write(change(placed), [], null));

describe("Overdue is", () => {
  it.each([
    [
      "a saga that nobody has taken over half a minute after the end of its lease",
      "saga:1",
      (age: number) =>
        putOrder("1", state => ({
          ...state,
          createdAt: at(0),
          saga: { ...state.saga, dueAt: clock.now() - patience.saga - age },
        })),
    ],
    [
      "an order that is PENDING for longer than its reservation lives",
      "order:1",
      (age: number) =>
        putOrder("1", state => ({
          ...state,
          createdAt: at(patience.pending + age),
          saga: { ...state.saga, dueAt: clock.now() + 10_000 },
        })),
    ],
    [
      "a payment that billing was to ask the provider about a minute ago",
      "payment:pay:1",
      (age: number) => {
        const payment = { status: "AUTHORIZED", createdAt: at(0), dueAt: clock.now() - patience.billing - age };
        return books.payments.update("pay:1", () => write(payment as PaymentState, [], null));
      },
    ],
    [
      "an invoice without a number a minute after it was drafted",
      "draft:inv:1",
      (age: number) => {
        const draft = { status: "DRAFT", number: "draft:inv:1", series: "INV-2026", issuedAt: null };
        const state = { ...draft, type: "INVOICE", draftedAt: at(patience.billing + age) };
        return books.invoices.update("inv:1", () => write(state as unknown as InvoiceState, [], null));
      },
    ],
  ])("%s, and not before", async (_what, subject, put) => {
    await put(-1_000);
    expect(await found()).toEqual([]);
    expect(await check.look(subject, null)).toBeNull();
    await put(1_000);
    expect(await found()).toEqual([subject]);
    expect(await check.look(subject, null)).toMatchObject({ check: "overdue", subject, severity: "warning" });
  });
});
