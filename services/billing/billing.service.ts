// Wiring of the billing service.
import type { ServiceSchema } from "moleculer";
import { billingActions } from "../../core/contracts/billing.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import { billingInspection } from "./billing.inspect.ts";
import { countMoney } from "./billing.metrics.ts";
import { createBilling } from "./billing.parts.ts";
import { counterCollection, invoiceCollection, paymentCollection } from "./billing.schema.ts";
import { simulatedLedger } from "./provider.ledger.ts";
import { ledgerCollection, simulatedProvider } from "./provider.simulator.ts";

const SWEEP_EVERY_MS = 1_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random } = env;
  const database = env.database("billing");
  const ledger = env.database("provider");
  database.onWritten(countMoney);
  const entries = ledger.collection(ledgerCollection);
  const provider = simulatedProvider(entries, clock);
  let warn = (_text: string): void => undefined;
  const onUnknown = (key: string, error: unknown): void => {
    warn(`The payment provider gave no answer to ${key}, which is asked again: ${String(error)}`);
  };
  const { handlers, types, sweep } = createBilling({ database, provider, clock, random, onUnknown });
  const inspection = billingInspection({
    payments: database.collection(paymentCollection),
    invoices: database.collection(invoiceCollection),
    counters: database.collection(counterCollection),
    ledger: simulatedLedger(entries),
  });
  const sweeper = createLoop(clock, SWEEP_EVERY_MS, random);

  return {
    name: "billing",
    version: 1,
    mixins: [database.mixin, ledger.mixin],
    metadata: { subscribes: types },
    actions: { ...implement(billingActions, handlers), ...inspection },
    created() {
      warn = text => {
        this.logger.warn(text);
      };
    },
    started() {
      sweeper.start(sweep, error => {
        warn(`The sweep failed and is tried again: ${String(error)}`);
      });
    },
    stopped: () => sweeper.stop(),
  };
}
