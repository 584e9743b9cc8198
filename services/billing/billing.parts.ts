// Billing without a broker: its handlers and its sweep over a database and a provider.
import type { billingActions } from "../../core/contracts/billing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { inboxCollection, subscriber, type Inbox } from "../../core/reactions.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { Database } from "../../core/store/port.ts";
import { billingReactions } from "./billing.reactions.ts";
import { counterCollection, invoiceCollection, paymentCollection } from "./billing.schema.ts";
import { invoiceHandlers } from "./invoice.handlers.ts";
import { createIssuing } from "./invoice.issuing.ts";
import { Numbering } from "./numbering.ts";
import { paymentHandlers, takingHandlers } from "./payment.handlers.ts";
import { Settlement } from "./payment.settlement.ts";
import type { PaymentProvider } from "./provider.port.ts";

interface Environment {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly clock: Clock;
  readonly random: Random;
  /** The provider gave no answer to a void or refund with this key: it is asked again. */
  readonly onUnknown?: (key: string, error: unknown) => void;
}

export function createBilling({ database, ...tools }: Environment) {
  const { clock, random } = tools;
  const payments = database.collection(paymentCollection);
  const invoices = database.collection(invoiceCollection);
  const numbering = new Numbering({ invoices, counters: database.collection(counterCollection), clock });
  const issuing = createIssuing({ invoices, numbering, clock });
  const payment = { payments, ...tools };
  const settlement = new Settlement(payment);
  const reactions = billingReactions({ payments, settlement, issuing, clock });
  const subscribed = subscriber(reactions, database.collection<Inbox>(inboxCollection));

  const handlers: HandlersOf<typeof billingActions> = {
    ...takingHandlers(payment),
    ...paymentHandlers(payment, settlement),
    ...invoiceHandlers({ invoices, issuing, clock, random }),
    "v1.billing.admit": () =>
      new Promise(resolve => {
        payments.admit();
        invoices.admit();
        resolve({});
      }),
    "v1.billing.react": (params, request) => subscribed.react(params, request),
    "v1.billing.park": params => subscribed.park(params),
  };
  return {
    handlers,
    types: subscribed.types,
    /** Finishes what a dead process or an unknown answer left; one bounded round. */
    sweep: async (): Promise<void> => {
      await Promise.all([settlement.sweep(), numbering.sweep()]);
    },
  };
}
