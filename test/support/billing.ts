// Billing over memory, with a provider whose ledger can be counted.
import type { DomainEvent } from "../../core/contracts/index.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Principal, Request } from "../../core/request.ts";
import { createBilling } from "../../services/billing/billing.parts.ts";
import { ledgerCollection, simulatedProvider, type LedgerEntry } from "../../services/billing/provider.simulator.ts";
import type { PaymentProvider } from "../../services/billing/provider.port.ts";
import { eventOf } from "./events.ts";
import { planFault, type FaultPlan, type FaultyProcess } from "./fault-plan.ts";
import { createManualClock, createManualRandom } from "./manual-clock.ts";
import { asStaff } from "./requests.ts";
import { createMemoryStorage, openMemoryDatabase } from "./memory-driver.ts";

/** Faults before and after each call to the provider, as on a network. */
function unreliable(provider: PaymentProvider, point: () => Promise<void>): PaymentProvider {
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    await point();
    const outcome = await call();
    await point();
    return outcome;
  };
  return {
    authorize: ask => around(() => provider.authorize(ask)),
    capture: ask => around(() => provider.capture(ask)),
    void: ask => around(() => provider.void(ask)),
    refund: ask => around(() => provider.refund(ask)),
    find: key => around(() => provider.find(key)),
  };
}

export function createBillingWorld(plan: FaultPlan = planFault("throws", null)) {
  const clock = createManualClock();
  const random = createManualRandom();
  const [storage, ledgerStorage] = [createMemoryStorage(), createMemoryStorage()];
  const options = { clock, random, outboxBound: 100_000 };

  /** A process on the same databases; `faulty` ones meet the plan's fault. */
  function start(faulty?: Pick<FaultyProcess, "faults" | "point">) {
    const database = openMemoryDatabase(storage, options, faulty?.faults);
    const ledger = openMemoryDatabase(ledgerStorage, options, faulty?.faults).collection(ledgerCollection);
    const simulator = simulatedProvider(ledger, clock);
    const provider = faulty === undefined ? simulator : unreliable(simulator, faulty.point);
    return createBilling({ database, provider, clock, random });
  }

  /** A process with another provider. */
  const startWith = (wrap: (simulator: PaymentProvider) => PaymentProvider) => {
    const provider = wrap(
      simulatedProvider(openMemoryDatabase(ledgerStorage, options).collection(ledgerCollection), clock),
    );
    return createBilling({ database: openMemoryDatabase(storage, options), provider, clock, random });
  };

  /** A process whose every step takes its own time. */
  function startSlow(seed: number) {
    const chance = createManualRandom(seed);
    const point = () => clock.sleep(Math.floor(chance.fraction() * 50));
    return start({ point, faults: { before: point, after: point } });
  }

  const calm = start();
  const ledger = openMemoryDatabase(ledgerStorage, options).collection(ledgerCollection);

  return {
    clock,
    start,
    startSlow,
    startWith,
    calm,
    storage,
    /** Past billing, to what it stored. */
    database: openMemoryDatabase(storage, options),
    /** Asks, in a new process after each death, until it is answered; refusals are answers too. */
    async insist<T>(ask: (billing: ReturnType<typeof createBilling>) => Promise<T>): Promise<T | Error> {
      let process = plan.process();
      let billing = start(process);
      for (;;) {
        const answer = ask(billing).catch((error: unknown) => error as Error);
        const result = await clock.until(Promise.race([answer, process.died]));
        if (result === "died") {
          process = plan.process();
          billing = start(process);
        } else if (!isUnknown(result)) return result;
      }
    },
    /** Sweeps until a quarter of an hour has brought whatever was due. */
    async settle(billing = calm): Promise<void> {
      for (let minute = 0; minute < 15; minute += 1) {
        await clock.advance(60_000);
        await clock.until(billing.sweep());
      }
    },
    async ledger(type: LedgerEntry["type"]): Promise<number[]> {
      const { items } = await clock.until(ledger.list({ where: { type }, limit: 100 }));
      return items.filter(({ state }) => state.state === "APPROVED").map(({ state }) => state.amount);
    },
    eventsOf(collection: string): CloudEvent[] {
      const outbox = storage.get(collection)?.outbox ?? new Map<string, { json: string }[]>();
      return [...outbox.values()].flat().map(({ json }) => JSON.parse(json) as CloudEvent);
    },
  };
}

const definite = new Set(["PAYMENT_DECLINED", "PAYMENT_VOIDED", "REFUND_EXCEEDS_CAPTURE", "IDEMPOTENCY_KEY_REUSED"]);

/** As the saga judges: only a definite refusal is an answer. */
function isUnknown(result: unknown): boolean {
  return result instanceof Error && !("type" in result && definite.has(String(result.type)));
}

export const admin: Principal = {
  kind: "user",
  id: "admin",
  scopes: ["billing:read", "billing:write", "orders:import"],
  customerId: null,
};
export const service: Principal = { kind: "service", id: "order" };

export const requestBy = (principal: Principal, key: string | null = null, rest: Partial<Request> = {}): Request =>
  asStaff({ principal, idempotency: key === null ? null : { key, fingerprint: `of ${key}` }, ...rest });

/** An event of an order as the bridge delivers it. */
export const orderEvent = ({ type, data }: DomainEvent, orderId: string, sequence: number): CloudEvent =>
  eventOf(type, orderId, sequence, data);
