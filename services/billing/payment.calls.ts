// One provider call after another in the only safe order: write down, (find,) ask, write down.
import { fail } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { keep, refuseWith, write, type DocumentStore, type Updated, type Verdict } from "../../core/store/port.ts";
import { decide, type PaymentCommand, type PaymentFact, type PaymentState } from "./payment.domain.ts";
import { evolve, published } from "./payment.evolution.domain.ts";
import type { Outcome } from "./provider.port.ts";

export type Payments = DocumentStore<PaymentState>;
export interface Decided {
  readonly state: PaymentState;
  readonly facts: readonly PaymentFact[];
}

export function verdictOf(command: PaymentCommand, current: PaymentState | null): Verdict<PaymentState, Decided> {
  const decision = decide(command, current);
  if (!decision.ok) return refuseWith(decision.refusal);
  let state = current;
  const events = decision.events.flatMap(fact => {
    state = evolve(state, fact);
    return published(fact, state);
  });
  if (state === null) throw new RangeError(`${command.type} left no payment`);
  const result = { state, facts: decision.events };
  return decision.events.length === 0 ? keep(result) : write(state, events, result);
}

export const tell = (store: Payments, id: string, command: PaymentCommand): Promise<Updated<PaymentState, Decided>> =>
  store.update(id, current => verdictOf(command, current?.state ?? null));

export const settle = (store: Payments, clock: Clock, id: string, key: string, outcome: Outcome) => {
  const now = clock.now();
  return tell(store, id, { type: "settle", key, outcome, now, at: timestamp(now) });
};

/** @throws SERVICE_UNAVAILABLE when the provider gave no definite answer: ask again with the same key. */
export async function askProvider<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch {
    throw fail("SERVICE_UNAVAILABLE", "The payment provider gave no answer: what it did is not known yet");
  }
}
