// Planted bugs: each takes away one thing that keeps a promise, at a port of the production code. The simulator is only
// as good as what it finds of these.
import { codeOf, fail } from "../../core/errors.ts";
import type { Driver, Loaded, StoredDocument, Write, WriteOutcome } from "../../core/store/driver.ts";
import type { Decide, Verdict, Versioned } from "../../core/store/port.ts";
import type { LedgerEntry } from "../../services/billing/provider.simulator.ts";
import type { PaymentState } from "../../services/billing/payment.domain.ts";
import type { OrderState } from "../../services/order/order.schema.ts";
import { replaced, type AnyStore, type Mutant } from "./mutant.ts";

type State = Readonly<Record<string, unknown>>;

const onWrite = (driver: Driver, change: (write: Write) => Write): Driver => ({
  ...driver,
  write: writes => driver.write(writes.map(change)),
});

const onRead = (driver: Driver, change: (document: StoredDocument) => StoredDocument): Driver => ({
  ...driver,
  read: async asks =>
    (await driver.read(asks)).map((loaded): Loaded => ({
      ...loaded,
      document: loaded.document === null ? null : change(loaded.document),
    })),
});

const withState = (document: StoredDocument, state: State): StoredDocument => ({
  ...document,
  state: { ...document.state, ...state },
});

/** Every decision on a collection, changed. */
const onUpdate =
  (name: string, changed: (decide: Decide<unknown, unknown, unknown>) => Decide<unknown, unknown, unknown>) =>
  (store: AnyStore, spec: { name: string }): AnyStore =>
    spec.name !== name
      ? store
      : replaced(store, {
          update: <R>(id: string, decide: Decide<unknown, R, unknown>, options?: object) =>
            store.update(id, changed(decide) as Decide<unknown, R, unknown>, options),
        });

/** The compare-and-set compares nothing: who writes last wins. */
const dropCompareAndSet: Mutant = {
  durable: driver => ({
    ...driver,
    async write(writes) {
      const now = await driver.read(writes.map(({ document }) => ({ id: document.id, keys: [], dueBy: null })));
      return driver.write(writes.map((write, index) => ({ ...write, expected: now[index]?.document?.version ?? 0 })));
    },
  }),
};

/** The relay takes events out of the outbox before the log has them. */
const acknowledgeBeforeAppend: Mutant = {
  outbox: source =>
    replaced(source, {
      async pending(limit, parked) {
        const events = await source.pending(limit, parked);
        for (const { subject, sequence } of events) await source.acknowledge(subject, sequence);
        return events;
      },
      async pendingOf(ids, limit) {
        const events = await source.pendingOf(ids, limit);
        for (const { subject, sequence } of events) await source.acknowledge(subject, sequence);
        return events;
      },
    }),
};

/** An acknowledgement takes out whatever is there by then, not what the log was given. */
const acknowledgeTooMuch: Mutant = {
  outbox: source => replaced(source, { acknowledge: id => source.acknowledge(id, Number.MAX_SAFE_INTEGER) }),
};

/** A relay publishes what its own process wrote, and nothing else. */
const onlyOwnEvents: Mutant = { outbox: source => replaced(source, { backlog: () => 0 }) };

/** A relay publishes the newest of a document first: what another process wrote before comes after it. */
const newestFirst: Mutant = {
  outbox: source =>
    replaced(source, {
      pendingOf: async (ids, limit) => (await source.pendingOf(ids, limit)).reverse(),
    }),
};

/** A client that was not told asks for the same thing under a new key. */
const retryWithNewKey: Mutant = { keyOf: (key, attempt) => (attempt === 1 ? key : `${key}-again-${String(attempt)}`) };

/** A release that finds no reservation leaves nothing for the late reserve to meet. */
const noTerminalEntry: Mutant = {
  durable: (driver, { name }) =>
    name !== "stock_items"
      ? driver
      : {
          ...driver,
          async write(writes) {
            const before = await driver.read(
              writes.map(({ document, entries }) => ({ id: document.id, keys: [...entries.keys()], dueBy: null })),
            );
            const isFirst = (index: number, key: string, value: unknown): boolean =>
              before[index]?.entries.has(key) === false &&
              (value as { state?: string } | undefined)?.state === "RELEASED";
            return driver.write(
              writes.map((write, index) => ({
                ...write,
                entries: new Map([...write.entries].filter(([key, entry]) => !isFirst(index, key, entry?.value))),
              })),
            );
          },
        },
};

/** A commit leaves the reservation's time in place, so the reaper takes it away. */
const reapCommitted: Mutant = {
  driver: (driver, { name }) =>
    name !== "stock_items"
      ? driver
      : onWrite(driver, write => ({
          ...write,
          entries: new Map(
            [...write.entries].map(([key, entry]) => {
              const { state, expiresAt = "" } = (entry?.value ?? {}) as { state?: string; expiresAt?: string };
              return [
                key,
                entry !== null && state === "COMMITTED" ? { ...entry, dueAt: Date.parse(expiresAt) } : entry,
              ];
            }),
          ),
        })),
};

const sagaCalls = ["v1.inventory.reserve", "v1.inventory.commit", "v1.billing.authorize", "v1.billing.capture"];

/** The saga takes silence for a refusal. */
const unknownIsRefused: Mutant = {
  call: async (call, action) => {
    try {
      return await call();
    } catch (error) {
      if (!sagaCalls.includes(action) || codeOf(error) !== undefined) throw error;
      throw fail(action.includes("billing") ? "PAYMENT_DECLINED" : "RESERVATION_EXPIRED", "No answer");
    }
  },
};

/** The saga takes silence for a yes. */
const unknownIsDone: Mutant = {
  call: async (call, action) => {
    try {
      return await call();
    } catch (error) {
      if (action !== "v1.inventory.commit" || codeOf(error) !== undefined) throw error;
      return {};
    }
  },
};

/** Only what was heard to be done is undone. */
function failedStepStays(): Mutant {
  const done = new Set<string>();
  return {
    call: async (call, action, params) => {
      const { orderId = "" } = params as { orderId?: string };
      if (action === "v1.billing.void" && !done.has(orderId)) return {};
      const answer = await call();
      if (action === "v1.billing.authorize") done.add(orderId);
      return answer;
    },
  };
}

/** A process that meets a number in flight which it did not give begins anew instead of finishing it. */
const forgetFlights: Mutant = {
  driver: (driver, { name }) => {
    if (name !== "numbering") return driver;
    const own = new Set<number>();
    const forgetting = onRead(driver, document =>
      own.has(document.version) ? document : withState(document, { inFlight: null }),
    );
    return onWrite(forgetting, write => {
      own.add(write.document.version);
      return write;
    });
  },
};

/** A consumer that does not know an event when it comes again. */
function forgetDeliveries(): Mutant {
  let deliveries = 0;
  return {
    driver: (driver, { name }) =>
      name !== "notifications"
        ? driver
        : {
            ...driver,
            read: async asks =>
              (await driver.read(asks)).map((loaded, index) =>
                isFresh(asks[index]?.id) ? { ...loaded, document: null } : loaded,
              ),
            write: writes =>
              driver.write(
                writes.map(write =>
                  write.expected === 0
                    ? {
                        ...write,
                        document: { ...write.document, id: `${write.document.id}~${String((deliveries += 1))}` },
                      }
                    : write,
                ),
              ),
          },
  };
}

const isFresh = (id: string | undefined): boolean => id !== undefined && !id.includes("~");

/** Whoever takes a saga over does it under the token of the one before. */
const sharedToken: Mutant = {
  store: onUpdate("orders", decide => (current, entries, now) => {
    const verdict = decide(current, entries, now);
    if (verdict.kind !== "write" || current === null) return verdict;
    const state = verdict.state as OrderState;
    return { ...verdict, state: { ...state, saga: { ...state.saga, token: 1 } } };
  }),
};

/** A write whose connection broke is answered as if it had been made. */
const brokenWriteIsDone: Mutant = {
  driver: driver => ({
    ...driver,
    write: async (writes): Promise<WriteOutcome[]> => {
      try {
        return await driver.write(writes);
      } catch {
        return writes.map(() => ({ kind: "written" }));
      }
    },
  }),
};

/** Refunds that are still under way do not count against what was captured. */
const ignorePendingRefunds: Mutant = {
  store: onUpdate("payments", decide => (current, entries, now) => {
    const verdict = decide(current, entries, now);
    if (current === null || !isAboutRefund(current as Versioned<PaymentState>, verdict)) return verdict;
    const { refunds, ...state } = current.state as PaymentState;
    const hidden = refunds.map(each => (each.status === "PENDING" ? { ...each, amount: 0 } : each));
    const again = decide({ ...current, state: { ...state, refunds: hidden } }, entries, now);
    if (again.kind !== "write") return again;
    const made = (again.state as PaymentState).refunds.slice(refunds.length);
    return { ...again, state: { ...(again.state as PaymentState), refunds: [...refunds, ...made] } };
  }),
};

function isAboutRefund({ state }: Versioned<PaymentState>, verdict: Verdict<unknown, unknown, unknown>): boolean {
  if (verdict.kind === "refuse") return verdict.refusal.code === "REFUND_EXCEEDS_CAPTURE";
  return verdict.kind === "write" && (verdict.state as PaymentState).refunds.length > state.refunds.length;
}

/** A write that is tried again after a lost race comes without its events. */
function dropEventsOnRetry(): Mutant {
  const lost = new Set<string>();
  return {
    driver: driver => ({
      ...driver,
      async write(writes) {
        const outcomes = await driver.write(
          writes.map(write => (lost.delete(write.document.id) ? { ...write, events: [] } : write)),
        );
        for (const [index, write] of writes.entries())
          if (outcomes[index]?.kind === "conflict") lost.add(write.document.id);
        return outcomes;
      },
    }),
  };
}

/** Each time the provider is asked for a refund, the key is another one. */
function newProviderKey(): Mutant {
  let asked = 0;
  const isRefund = (id: string): boolean => id.includes(":refund:");
  const forgetting = onUpdate("ledger", decide => (current, entries, now) => {
    if (current === null) return decide(current, entries, now);
    const { claims, ...state } = current.state as LedgerEntry;
    const renamed = claims.map(claim => ({ ...claim, key: `${claim.key}~` }));
    return decide({ ...current, state: { ...state, claims: isRefund(current.id) ? claims : renamed } }, entries, now);
  });
  return {
    store: (store, spec) => {
      if (spec.name !== "ledger") return store;
      const inner = forgetting(store, spec);
      return replaced(inner, {
        load: id => (isRefund(id) ? Promise.resolve(null) : inner.load(id)),
        update: (id, decide, options) =>
          inner.update(isRefund(id) ? `${id}~${String((asked += 1))}` : id, decide, options),
      });
    },
  };
}

/** What a saga left behind is never looked for. */
const noSweep: Mutant = {
  driver: (driver, { name }) =>
    name === "orders"
      ? { ...driver, list: query => (query.orderBy === "saga.dueAt" ? Promise.resolve([]) : driver.list(query)) }
      : driver,
};

/** Fresh for each run: some of them remember. */
export const mutants: Readonly<Record<string, () => Mutant>> = {
  "the compare-and-set compares nothing": () => dropCompareAndSet,
  "the relay acknowledges before it appends": () => acknowledgeBeforeAppend,
  "the relay acknowledges more than it appended": () => acknowledgeTooMuch,
  "what a dead process wrote is never published": () => onlyOwnEvents,
  "a process publishes its own event before another's older one": () => newestFirst,
  "a client retries with a new key": () => retryWithNewKey,
  "a release leaves no terminal entry": () => noTerminalEntry,
  "the reaper takes committed reservations": () => reapCommitted,
  "the saga takes silence for a refusal": () => unknownIsRefused,
  "the saga takes silence for a yes": () => unknownIsDone,
  "the failed step is not undone": failedStepStays,
  "nobody sweeps what a dead orchestrator left": () => noSweep,
  "fencing tokens are shared": () => sharedToken,
  "a number in flight is forgotten": () => forgetFlights,
  "a consumer does not know an event again": forgetDeliveries,
  "a broken write is answered as made": () => brokenWriteIsDone,
  "pending refunds do not count": () => ignorePendingRefunds,
  "a retried write loses its events": dropEventsOnRetry,
  "the provider is asked again with a new key": newProviderKey,
};
