// Runs a saga: forward through its steps, and after one definite refusal back through their compensations.
// What a call's failure means decides everything: a listed refusal did not happen and will not; anything else is
// unknown and is asked again with the same key.
import { toRefusal } from "../errors.ts";
import { timestamp, type Clock } from "../kernel/clock.ts";
import type { ErrorCode } from "../kernel/errors.ts";
import { backoff, type Random } from "../kernel/random.ts";
import type { Call } from "../request.ts";
import type { Move, SagaCause, SagaRecord, StepLog } from "./record.ts";

export interface Step<D> {
  readonly name: string;
  /** Keyed by the saga's id, so that asking again is harmless. What it resolves with is merged into the data. */
  readonly call: (call: Call, data: D) => Promise<Partial<D>>;
  readonly refusals: readonly ErrorCode[];
  /** Must do no harm when `call` never took effect, and leave a terminal entry that a late `call` meets. */
  readonly compensate?: (call: Call, data: D) => Promise<unknown>;
  /** It waits for somebody who is not of the shop. */
  readonly outside?: true;
  /** After this nothing is undone. Its intent is saved before it is called. */
  readonly pivot?: true;
  readonly skip?: (data: D) => boolean;
  /** Ends the asking of a step that is still unknown. */
  readonly giveUp?: (data: D, now: number) => SagaCause | null;
}

export interface SagaState<D> {
  readonly record: SagaRecord;
  readonly data: D;
  /** The owner wants out: honoured until the pivot is intended. */
  readonly cancelRequested: boolean;
}

export interface Journal<D> {
  /**
   * One write, conditional on the token: the record, what the steps found out, and what the move means for the aggregate.
   * A wish to cancel refuses "intend", and "end" while the pivot is open: the state comes back unmoved. Null: the token is lost.
   */
  save(token: number, move: Move, log: readonly StepLog[], data: D): Promise<SagaState<D> | null>;
  /** As it is now; null: the token is lost. */
  reload(token: number): Promise<SagaState<D> | null>;
}

export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly call: Call;
  /** Waits, but not beyond the moment when the process stops. */
  readonly pause: (ms: number) => Promise<void>;
  /** What waits for somebody outside runs in it. */
  readonly outside: <T>(wait: () => Promise<T>) => Promise<T>;
  /** True once the process stops: the saga is handed over to whoever sweeps next. */
  readonly stopping: () => boolean;
  /** Hears of every attempt of a step. */
  readonly onStep?: (attempt: StepLog) => void;
}

const RETRY = { base: 200, cap: 5_000 };
const CANCELLED: SagaCause = { code: "CANCELLED", detail: "Cancelled before it was confirmed" };

/**
 * Runs until the saga has ended, its token is lost, or the process stops and hands it over.
 * @returns whether it has ended
 */
export async function runSaga<D>(
  steps: readonly Step<D>[],
  journal: Journal<D>,
  start: SagaState<D>,
  options: EngineOptions,
): Promise<boolean> {
  const run = new SagaRun(steps, journal, start.record.token, options);
  let state: SagaState<D> | null = start;
  while (state !== null && state.record.dueAt !== null && !options.stopping()) {
    state = state.record.direction === "forward" ? await run.forward(state) : await run.undo(state);
  }
  if (state === null) return false;
  if (state.record.dueAt !== null) await run.handOver(state);
  return state.record.dueAt === null;
}

class SagaRun<D> {
  readonly #steps: readonly Step<D>[];
  readonly #journal: Journal<D>;
  readonly #token: number;
  readonly #options: EngineOptions;
  /** Not yet saved: progress on the way forward is repeatable, so it waits for the next write that must be. */
  readonly #log: StepLog[] = [];

  constructor(steps: readonly Step<D>[], journal: Journal<D>, token: number, options: EngineOptions) {
    this.#steps = steps;
    this.#journal = journal;
    this.#token = token;
    this.#options = options;
  }

  async handOver({ record, data }: SagaState<D>): Promise<void> {
    await this.#save({ type: "handOver", cursor: record.cursor }, data);
  }

  async forward(state: SagaState<D>): Promise<SagaState<D> | null> {
    const { record, data } = state;
    const step = this.#steps[record.cursor];
    if (state.cancelRequested && !record.pivotIntended) return this.#turn(state, CANCELLED);
    if (step === undefined) return this.#save({ type: "end", cursor: record.cursor }, data);
    if (step.skip?.(data) === true) return moved(state, record.cursor + 1);
    if (step.pivot === true && !record.pivotIntended)
      return this.#save({ type: "intend", cursor: record.cursor }, data);
    try {
      const found = await this.#within(step, call => step.call(call, data));
      this.#note(state, step, "done", null);
      return { ...moved(state, record.cursor + 1), data: { ...data, ...found } };
    } catch (error) {
      return this.#failed(state, step, error);
    }
  }

  async undo(state: SagaState<D>): Promise<SagaState<D> | null> {
    const { record, data } = state;
    const step = this.#steps[record.cursor];
    if (step === undefined) return this.#save({ type: "end", cursor: record.cursor }, data);
    const { compensate } = step;
    if (compensate === undefined) return moved(state, record.cursor - 1);
    try {
      await this.#within(step, call => compensate(call, data));
      this.#note(state, step, "done", null);
      return moved(state, record.cursor - 1);
    } catch (error) {
      this.#note(state, step, "unknown", messageOf(error));
      return this.#retry(state);
    }
  }

  #within<T>(step: Step<D>, act: (call: Call) => Promise<T>): Promise<T> {
    const { call, outside } = this.#options;
    return step.outside === true ? outside(() => act(call)) : act(call);
  }

  #failed(state: SagaState<D>, step: Step<D>, error: unknown): Promise<SagaState<D> | null> {
    const refused = toRefusal(error);
    if (refused !== undefined && step.refusals.includes(refused.code)) {
      this.#note(state, step, refused.code, refused.detail);
      const sku = refused.data?.["sku"];
      return this.#turn(state, {
        code: refused.code,
        detail: refused.detail,
        ...(typeof sku === "string" ? { sku } : {}),
      });
    }
    this.#note(state, step, "unknown", messageOf(error));
    const end = step.giveUp?.(state.data, this.#options.clock.now()) ?? null;
    return end === null ? this.#retry(state) : this.#turn(state, end);
  }

  /**
   * The failed step is undone too: a refusal of one line may stand beside another line that was done. What was taken over
   * is undone from the last step: progress on the way forward is not saved, so who ran it before may have come further.
   */
  #turn(state: SagaState<D>, cause: SagaCause): Promise<SagaState<D> | null> {
    const last = this.#steps.length - 1;
    const cursor = state.record.token > 1 ? last : Math.min(state.record.cursor, last);
    return this.#save({ type: "turn", cause, cursor }, state.data);
  }

  /** Saved before the wait, so that another node knows the step and the attempt if this one dies in it. */
  async #retry(state: SagaState<D>): Promise<SagaState<D> | null> {
    const { clock, random, pause } = this.#options;
    const delay = backoff(state.record.attempt + 1, random, RETRY);
    const saved = await this.#save(
      { type: "retry", cursor: state.record.cursor, resumeAt: clock.now() + delay },
      state.data,
    );
    if (saved === null) return null;
    await pause(delay);
    return this.#journal.reload(this.#token);
  }

  async #save(move: Move, data: D): Promise<SagaState<D> | null> {
    const saved = await this.#journal.save(this.#token, move, this.#log.splice(0), data);
    // A move refused for a wish to cancel was not written, but how far the saga came still counts.
    return saved === null ? null : { ...saved, record: { ...saved.record, cursor: move.cursor } };
  }

  #note({ record }: SagaState<D>, step: Step<D>, outcome: string, detail: string | null): void {
    const direction = record.direction === "forward" ? "FORWARD" : "UNDO";
    const at = timestamp(this.#options.clock.now());
    const entry: StepLog = { at, step: step.name, direction, attempt: record.attempt + 1, outcome, detail };
    this.#log.push(entry);
    this.#options.onStep?.(entry);
  }
}

const moved = <D>(state: SagaState<D>, cursor: number): SagaState<D> => ({
  ...state,
  record: { ...state.record, cursor, attempt: 0 },
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
