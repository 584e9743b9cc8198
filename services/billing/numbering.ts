// Gapless numbers without transactions. A flight says which draft gets which number, before any of them has it; whoever
// finds a flight finishes it first, so that a process may die between any two writes.
//
// A draft is never in two flights: a flight is taken only over drafts that were read without a number while the counter
// stood at the version that the flight is written on, and closed only when each of its documents carries its number. A
// slow process that is still finishing a closed flight therefore finds every document numbered.
import { fail } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { refusal } from "../../core/kernel/errors.ts";
import { keep, refuseWith, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import type { Counter, Flight } from "./billing.schema.ts";
import { batched } from "./numbering.queue.ts";
import { isNumbered, issue, issued, numberOf, type InvoiceState } from "./invoice.domain.ts";

interface NumberingTools {
  readonly invoices: DocumentStore<InvoiceState>;
  readonly counters: DocumentStore<Counter>;
  readonly clock: Clock;
}

/** So many documents share a flight. */
const FLIGHT = 200;
/** A draft this old is not being numbered by the process that made it any more. */
const LEFT_MS = 5_000;
/** Another process's flight is its to finish; if it has not after this long, it may be dead. */
const PATIENCE_MS = 1_000;
const POLL_MS = 20;
const fresh: Counter = { last: 0, lastIssuedAt: null, inFlight: null };

export class Numbering {
  readonly #tools: NumberingTools;
  /** The counter's version at this process's last flight, by series. */
  readonly #own = new Map<string, number>();
  readonly #number: (series: string, id: string) => Promise<void>;

  constructor(tools: NumberingTools) {
    this.#tools = tools;
    this.#number = batched(tools.clock, FLIGHT, (series, ids) => this.#fly(series, ids));
  }

  /** Resolves when the document carries its number; nothing happens when it has one. */
  number(id: string, { series }: Pick<InvoiceState, "series">): Promise<void> {
    return this.#number(series, id);
  }

  /** Numbers drafts that a dead process left; one bounded round. */
  async sweep(): Promise<void> {
    const lte = timestamp(this.#tools.clock.now() - LEFT_MS);
    const query = { where: { status: "DRAFT", draftedAt: { lte } }, orderBy: "draftedAt", limit: FLIGHT };
    const { items } = await this.#tools.invoices.list(query);
    await Promise.all(items.map(({ id, state }) => this.number(id, state)));
  }

  /** Until each of `wanted` (all of this series) has a number. */
  async #fly(series: string, wanted: readonly string[]): Promise<void> {
    for (;;) {
      // In this order: the counter is read before the drafts, and the flight is stored only if it has not moved since.
      const counter = await this.#tools.counters.load(series);
      if (counter?.state.inFlight) {
        const isMine = this.#own.get(series) === counter.version;
        if (isMine || (await this.#stands(counter))) await this.#finish(counter, counter.state.inFlight);
      } else {
        const drafts = await this.#unnumbered(wanted);
        if (drafts.length === 0) return;
        await this.#take(series, counter, drafts);
      }
    }
  }

  /** Whether nobody has finished the flight in the time that its own process would need. */
  async #stands({ id: series, version }: Versioned<Counter>): Promise<boolean> {
    const { clock, counters } = this.#tools;
    const until = clock.now() + PATIENCE_MS;
    while (clock.now() < until) {
      await clock.sleep(POLL_MS);
      if ((await counters.load(series))?.version !== version) return false;
    }
    return true;
  }

  async #unnumbered(wanted: readonly string[]): Promise<string[]> {
    const documents = await this.#tools.invoices.loadMany(wanted);
    const open = new Set(documents.filter(({ state }) => !isNumbered(state)).map(({ id }) => id));
    return wanted.filter(id => open.has(id));
  }

  /** Stores the flight unless the counter has moved. */
  async #take(series: string, counter: Versioned<Counter> | null, drafts: readonly string[]): Promise<void> {
    const { last, lastIssuedAt } = counter?.state ?? fresh;
    const now = timestamp(this.#tools.clock.now());
    const issuedAt = lastIssuedAt !== null && lastIssuedAt > now ? lastIssuedAt : now;
    const inFlight = drafts.map((invoiceId, index) => ({ n: last + index + 1, invoiceId, issuedAt }));
    const version = await this.#replace(series, counter?.version ?? 0, { last, lastIssuedAt, inFlight });
    if (version !== null) this.#own.set(series, version);
  }

  async #finish({ id: series, version, state }: Versioned<Counter>, flight: readonly Flight[]): Promise<void> {
    const carried = await Promise.all(flight.map(entry => this.#stamp(series, entry)));
    const isWhole = carried.every(Boolean);
    const broken = `A flight of ${series} after ${String(state.last)} holds a document with another number`;
    if (!isWhole && flight.length > 1) throw fail("INTERNAL_ERROR", broken);
    const last = flight.at(-1);
    const reached = isWhole && last !== undefined ? { last: last.n, lastIssuedAt: last.issuedAt } : state;
    await this.#replace(series, version, { ...reached, inFlight: null });
  }

  /** Gives the draft its number if it has none, and tells whether that is the one it carries. */
  async #stamp(series: string, { n, invoiceId, issuedAt }: Flight): Promise<boolean> {
    const number = numberOf(series, n);
    const { result } = await this.#tools.invoices.update(invoiceId, current => {
      if (current === null)
        return refuseWith(refusal("INTERNAL_ERROR", `${invoiceId} is to get ${number}, but is not there`));
      if (isNumbered(current.state)) return keep(current.state.number);
      const decision = issue(invoiceId, current.state, { number, issuedAt });
      if (!decision.ok) return refuseWith(decision.refusal);
      return write(decision.events.reduce(issued, current.state), decision.events, number);
    });
    return result === number;
  }

  /** The version that it made; null when the counter had moved. */
  async #replace(series: string, version: number, counter: Counter): Promise<number | null> {
    const { result, document } = await this.#tools.counters.update(series, current =>
      (current?.version ?? 0) === version ? write(counter, [], true) : keep(false),
    );
    return result ? (document?.version ?? null) : null;
  }
}
