// Moves commands from their queue through read, decision and write to their answer, whatever goes wrong on the way.
import { deriveId } from "../derive-id.ts";
import { fail } from "../errors.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { Clock } from "../kernel/clock.ts";
import { backoff, type Random } from "../kernel/random.ts";
import { createBacklog, type Backlog, type Bounds } from "./backlog.ts";
import { decideBatch, type Answer, type Command, type Decided } from "./decide-batch.ts";
import type { Ask, Driver, Loaded, Write, WriteOutcome } from "./driver.ts";
import { writes } from "./hold.ts";
import { inScope } from "../tracing/scope.ts";
import type { CollectionSpec } from "./port.ts";
import { Queues, type Flight } from "./queues.ts";
import { settleUnknown } from "./unknown-outcome.ts";

export interface StoreOptions extends Bounds {
  readonly clock: Clock;
  readonly random: Random;
  /** After each write that left events. */
  readonly onCommit?: () => void;
  /** After each write, once for each, however its outcome became known. */
  readonly onWritten?: (written: Written) => void;
  /** A write lost a race and is decided again. */
  readonly onConflict?: () => void;
  /** What one command has made, once that is durable; within the command's scope. */
  readonly onFacts?: (events: readonly CloudEvent[]) => void;
  /** What the database is called in spans. */
  readonly system?: string;
}

/** What is now stored. */
export interface Written {
  readonly collection: string;
  readonly state: unknown;
  readonly events: readonly CloudEvent[];
}

const ATTEMPTS = 12;
const PAUSE = { base: 4, cap: 250 };

interface Decision<S, X> {
  readonly flight: Flight<S, X>;
  readonly write: Write;
  readonly held: readonly Answer<S, X>[];
  /** Made without a look at the database. */
  readonly isAssumed: boolean;
}

const absent: Loaded = { document: null, entries: new Map(), pending: 0 };

const isExpectedNew = <S, X>({ commands }: Flight<S, X>): boolean =>
  commands.every(({ options, afresh }) => options.expectsNew === true && !afresh);

function askOf<S, X>({ id, commands }: Flight<S, X>, now: number): Ask {
  const asked = commands.map(({ options: { entries = [] } }) => entries);
  const keys = new Set(asked.flatMap(entries => (entries === "due" ? [] : entries)));
  const pending = commands.some(({ options }) => options.admission === true);
  return { id, keys: [...keys], dueBy: asked.includes("due") ? now : null, pending };
}

function rejectAll<S, X>(commands: readonly Command<S, X>[], error: unknown): void {
  for (const command of commands) command.reject(error);
}

const commandsOf = <S, X>({ held }: Decision<S, X>): Command<S, X>[] => held.map(({ command }) => command);

export class Writer<S, X> {
  readonly backlog: Backlog;
  readonly unpublished = new Set<string>();
  readonly #spec: CollectionSpec<S>;
  readonly #driver: Driver;
  readonly #options: StoreOptions;
  readonly #queues: Queues<S, X>;
  readonly #instance: string;
  #moments = 0;

  constructor(spec: CollectionSpec<S>, driver: Driver, options: StoreOptions) {
    this.backlog = createBacklog(spec.name, options);
    this.#spec = spec;
    this.#driver = driver;
    this.#options = options;
    this.#queues = new Queues(options.clock, flights => void this.#moment(flights));
    this.#instance = deriveId(options.random.id()).slice(0, 10);
  }

  add(id: string, command: Command<S, X>): void {
    this.#queues.add(id, command);
  }

  /** Everything that became ready in one moment is read in one call and written in one call; what is expected to be new is only written. */
  async #moment(flights: readonly Flight<S, X>[]): Promise<void> {
    const now = this.#options.clock.now();
    // Who owns its database reads for nothing, and one write of all costs it less than two.
    const isAsked = (flight: Flight<S, X>): boolean => this.#driver.isCertain === true || !isExpectedNew(flight);
    const { fresh = [], known = [] } = Object.groupBy(flights, flight => (isAsked(flight) ? "known" : "fresh"));
    await Promise.all([this.#commit(fresh, null, now), this.#readAndCommit(known, now)]);
  }

  async #readAndCommit(flights: readonly Flight<S, X>[], now: number): Promise<void> {
    if (flights.length === 0) return;
    let loaded: Loaded[];
    try {
      loaded = await this.#driver.read(flights.map(flight => askOf(flight, now)));
    } catch (error) {
      for (const flight of flights) {
        rejectAll(flight.commands, error);
        this.#queues.done(flight);
      }
      return;
    }
    await this.#commit(flights, loaded, now);
  }

  /** @param loaded null when nobody looked: none of the documents is expected to be there */
  async #commit(flights: readonly Flight<S, X>[], loaded: readonly Loaded[] | null, now: number): Promise<void> {
    const decisions = this.#decideAll(flights, loaded, now);
    if (decisions.length > 0) await this.#writeAll(decisions);
  }

  #decideAll(flights: readonly Flight<S, X>[], loaded: readonly Loaded[] | null, now: number): Decision<S, X>[] {
    this.#moments += 1;
    const isAssumed = loaded === null;
    const writeId = this.#driver.isCertain === true ? null : `${this.#instance}.${this.#moments.toString(36)}`;
    const decisions: Decision<S, X>[] = [];
    for (const [index, flight] of flights.entries()) {
      const { write, held } = this.#decide(flight, isAssumed ? absent : loaded[index], now, writeId);
      if (write === null && isAssumed) {
        this.#lookFirst(flight, held);
      } else if (write === null) {
        this.#queues.done(flight);
        void this.#tellOnceDurable(held);
      } else {
        this.backlog.add(write.events.length);
        decisions.push({ flight, write, held, isAssumed });
      }
    }
    return decisions;
  }

  /** No write has shown that the document is not there, or one has shown that it is. */
  #lookFirst(flight: Flight<S, X>, held: readonly Answer<S, X>[]): void {
    this.#queues.again(
      flight,
      held.map(({ command }) => ({ ...command, afresh: true })),
    );
  }

  async #tellOnceDurable(held: readonly Answer<S, X>[]): Promise<void> {
    try {
      await this.#driver.durable();
      for (const { tell } of held) tell();
    } catch (error) {
      for (const { command } of held) command.reject(error);
    }
  }

  /** An error here (an upgrade is missing) is that of one document, not of those beside it. */
  #decide(flight: Flight<S, X>, loaded: Loaded | undefined, now: number, writeId: string | null): Decided<S, X> {
    const spec = this.#spec;
    try {
      if (loaded === undefined) throw new Error(`The driver of ${spec.name} answered fewer documents than were asked`);
      return decideBatch({ spec, backlog: this.backlog, id: flight.id, writeId, now }, loaded, flight.commands);
    } catch (error) {
      rejectAll(flight.commands, error);
      return { write: null, held: [] };
    }
  }

  async #writeAll(decisions: readonly Decision<S, X>[]): Promise<void> {
    let outcomes: readonly WriteOutcome[];
    if (writes.held !== null) await writes.held;
    try {
      outcomes = await this.#driver.write(decisions.map(({ write }) => write));
    } catch (error) {
      await Promise.all(decisions.map(decision => this.#lookAgain(decision, error)));
      return;
    }
    await Promise.all(decisions.map((decision, index) => this.#settle(decision, outcomes[index] ?? null)));
  }

  async #lookAgain(decision: Decision<S, X>, cause: unknown): Promise<void> {
    const outcome = await settleUnknown(this.#driver, decision.write, this.#options);
    await this.#settle(decision, outcome, cause);
  }

  async #settle(decision: Decision<S, X>, outcome: WriteOutcome | null, cause?: unknown): Promise<void> {
    const { flight, held, write } = decision;
    if (outcome?.kind === "written") {
      for (const answer of held) this.#tell(answer);
      this.#queues.done(flight);
      const { document, events } = write;
      this.#options.onWritten?.({ collection: this.#spec.name, state: document.state, events });
      if (events.length > 0) {
        this.unpublished.add(flight.id);
        this.#options.onCommit?.();
      }
      return;
    }
    this.backlog.add(-write.events.length);
    if (decision.isAssumed && outcome !== null) {
      this.#lookFirst(flight, held);
    } else if (outcome?.kind === "conflict") {
      this.#options.onConflict?.();
      await this.#retry(decision);
    } else if (outcome?.kind === "duplicate") this.#refuseDuplicate(decision, outcome.field);
    else {
      const unknown = fail("OUTCOME_UNKNOWN", "The store did not tell whether it wrote: ask again with the same key");
      unknown.cause = cause;
      rejectAll(commandsOf(decision), unknown);
      this.#queues.done(flight);
    }
  }

  #tell({ tell, command: { scope }, events }: Answer<S, X>): void {
    tell();
    if (events.length > 0) inScope(scope, () => this.#options.onFacts?.(events));
  }

  async #retry(decision: Decision<S, X>): Promise<void> {
    const { clock, random } = this.#options;
    const lost = commandsOf(decision).map(command => ({ ...command, attempts: command.attempts + 1 }));
    const again = lost.filter(({ attempts }) => attempts < ATTEMPTS);
    const conflict = "Other writers were faster again and again: nothing was done, try it again";
    rejectAll(
      lost.filter(({ attempts }) => attempts >= ATTEMPTS),
      fail("CONFLICT", conflict),
    );
    await clock.sleep(backoff(Math.max(...lost.map(({ attempts }) => attempts)), random, PAUSE));
    this.#queues.again(decision.flight, again);
  }

  #refuseDuplicate(decision: Decision<S, X>, field: string): void {
    const commands = commandsOf(decision);
    if (commands.length > 1) {
      const alone = commands.map(command => ({ ...command, alone: true }));
      this.#queues.again(decision.flight, alone);
      return;
    }
    rejectAll(
      commands,
      fail("DUPLICATE", `Another ${this.#spec.aggregate} has this ${field}: take another one`, { field }),
    );
    this.#queues.done(decision.flight);
  }
}
