// Gapless numbers without transactions. A flight says which draft gets which number, before any of them has it; whoever
// finds a flight finishes it first, so that a process may die between any two writes.
//
// A draft is never in two flights: a flight is taken only over drafts that were read without a number while the counter
// stood at the version that the flight is written on, and closed only when each of its documents carries its number. A
// slow process that is still finishing a closed flight therefore finds every document numbered.
import { fail } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { keep, refuseWith, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import type { Counter, Flight } from "./billing.schema.ts";
import { isNumbered, issue, issued, numberOf, type InvoiceState } from "./invoice.domain.ts";

interface NumberingTools {
  readonly invoices: DocumentStore<InvoiceState>;
  readonly counters: DocumentStore<Counter>;
  readonly clock: Clock;
}

/** So many documents share a flight. */
const FLIGHT = 200;
const fresh: Counter = { last: 0, lastIssuedAt: null, inFlight: null };

export type Numbering = ReturnType<typeof createNumbering>;

export function createNumbering({ invoices, counters, clock }: NumberingTools) {
  /** Gives the draft its number if it has none, and tells which it has. */
  async function stamp(series: string, { n, invoiceId, issuedAt }: Flight): Promise<boolean> {
    const number = numberOf(series, n);
    const { result } = await invoices.update(invoiceId, current => {
      if (current === null)
        return refuseWith({ code: "INTERNAL_ERROR", detail: `${invoiceId} is to get ${number}, but is not there` });
      if (isNumbered(current.state)) return keep(current.state.number);
      const decision = issue(invoiceId, current.state, { number, issuedAt });
      if (!decision.ok) return refuseWith(decision.refusal);
      return write(decision.events.reduce(issued, current.state), decision.events, number);
    });
    return result === number;
  }

  async function finish(
    series: string,
    { version, state }: Versioned<Counter>,
    flight: readonly Flight[],
  ): Promise<void> {
    const carried = await Promise.all(flight.map(entry => stamp(series, entry)));
    const isWhole = carried.every(Boolean);
    if (!isWhole && flight.length > 1)
      throw fail(
        "INTERNAL_ERROR",
        `A flight of ${series} after ${String(state.last)} holds a document with another number`,
      );
    const last = flight.at(-1);
    if (last === undefined) return;
    const closed = isWhole ? { last: last.n, lastIssuedAt: last.issuedAt } : state;
    await counters.update(series, current =>
      current?.version === version ? write({ ...closed, inFlight: null }, [], null) : keep(null),
    );
  }

  /** The flight that was stored; null when there is nothing to number or another process was faster. */
  async function take(series: string, counter: Versioned<Counter> | null, drafts: readonly string[]) {
    const { last, lastIssuedAt } = counter?.state ?? fresh;
    const now = timestamp(clock.now());
    const issuedAt = lastIssuedAt !== null && lastIssuedAt > now ? lastIssuedAt : now;
    const inFlight = drafts.map((invoiceId, index) => ({ n: last + index + 1, invoiceId, issuedAt }));
    await counters.update(series, current =>
      (current?.version ?? 0) === (counter?.version ?? 0)
        ? write({ last, lastIssuedAt, inFlight }, [], null)
        : keep(null),
    );
  }

  /** Until each of `wanted` (all of this series) has a number. */
  async function fly(series: string, wanted: readonly string[]): Promise<void> {
    for (;;) {
      // In this order: the counter is read before the drafts, and the flight is stored only if it has not moved since.
      const counter = await counters.load(series);
      if (counter?.state.inFlight) {
        await finish(series, counter, counter.state.inFlight);
        continue;
      }
      const open = (await invoices.loadMany(wanted)).filter(({ state }) => !isNumbered(state)).map(({ id }) => id);
      if (open.length === 0) return;
      await take(
        series,
        counter,
        wanted.filter(id => open.includes(id)),
      );
    }
  }

  const number = batched(clock, fly);

  return {
    /** Resolves when the document carries its number; nothing happens when it has one. */
    number: (id: string, { series }: Pick<InvoiceState, "series">): Promise<void> => number(series, id),

    /** Numbers drafts that a dead process left; one bounded round. */
    async sweep(): Promise<void> {
      const { items } = await invoices.list({ where: { status: "DRAFT" }, orderBy: "draftedAt", limit: FLIGHT });
      await Promise.all(items.map(({ id, state }) => number(state.series, id)));
    },
  };
}

/** Concurrent asks of one series in this process go together, one flight after another. */
function batched(clock: Clock, fly: (series: string, ids: readonly string[]) => Promise<void>) {
  const waiting = new Map<string, Map<string, PromiseWithResolvers<undefined>>>();
  const flying = new Set<string>();

  async function run(series: string): Promise<void> {
    const queue = waiting.get(series) ?? new Map<string, PromiseWithResolvers<undefined>>();
    while (queue.size > 0) {
      const batch = [...queue].slice(0, FLIGHT);
      for (const [id] of batch) queue.delete(id);
      await fly(
        series,
        batch.map(([id]) => id),
      ).then(
        () => {
          for (const [, { resolve }] of batch) resolve(undefined);
        },
        (error: unknown) => {
          for (const [, { reject }] of batch) reject(error);
        },
      );
    }
    waiting.delete(series);
    flying.delete(series);
  }

  return async (series: string, id: string): Promise<void> => {
    const queue = waiting.get(series) ?? new Map<string, PromiseWithResolvers<undefined>>();
    waiting.set(series, queue);
    const asked = queue.get(id) ?? Promise.withResolvers<undefined>();
    queue.set(id, asked);
    if (!flying.has(series)) {
      flying.add(series);
      clock.defer(() => void run(series));
    }
    await asked.promise;
  };
}
