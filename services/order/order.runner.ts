// Runs order sagas: for the request that placed the order, and for orders whose orchestrator died.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import type { Call, Request } from "../../core/request.ts";
import { runSaga } from "../../core/saga/engine.ts";
import { takeOver, type StepLog } from "../../core/saga/record.ts";
import { keep, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import { SpanKind, traced } from "../../core/tracing/tracer.ts";
import type { Work } from "./order.admission.ts";
import { orderJournal, sagaStateOf } from "./order.journal.ts";
import { placingSteps } from "./order.saga.ts";
import type { OrderState } from "./order.schema.ts";

interface RunnerOptions {
  readonly orders: DocumentStore<OrderState>;
  readonly clock: Clock;
  readonly random: Random;
  readonly leaseMs: number;
  readonly onError: (orderId: string, error: unknown) => void;
  /** For a saga that goes on here. */
  readonly resume: () => Work;
  /** Hears of every attempt of a step. */
  readonly onStep?: (attempt: StepLog) => void;
  /** A saga of another process, or of the one before, goes on here. */
  readonly onTakeOver?: () => void;
}

/** Sagas taken over in one sweep: a dead node's work is spread over several sweeps of several nodes. */
const SWEEP = 50;
/** How often a request that waits for another node's saga looks again, in ms. */
const LOOK_AGAIN = 100;

interface Running {
  readonly token: number;
  readonly ended: Promise<void>;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Running>();
  /** Ends the pauses of the sagas that wait for their next attempt. */
  readonly #wakes = new Set<() => void>();
  #stopped = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Sagas that run here. */
  get running(): number {
    return this.#running.size;
  }

  /** Never rejects: what fails here stays PENDING and is the sweeper's when the lease ends. */
  run(document: Versioned<OrderState>, call: Call, work: Work): void {
    const { orders, clock, random, leaseMs, onError, onStep } = this.#options;
    const { id } = document;
    const journal = orderJournal(orders, id, { clock, leaseMs });
    const pause = (ms: number) => work.outside(() => this.#pause(ms));
    const stopping = () => this.#stopped;
    const told = onStep === undefined ? {} : { onStep };
    const surroundings = { clock, random, call, pause, stopping, outside: work.outside, ...told };
    const saga = () => runSaga(placingSteps, journal, sagaStateOf(document), surroundings);
    const ended = traced({ name: "place order", kind: SpanKind.INTERNAL, attributes: { "order.id": id } }, saga, {
      params: { id },
    })
      .then(hasEnded => {
        if (hasEnded) work.done();
        else work.left();
      })
      .catch((error: unknown) => {
        work.left();
        onError(id, error);
      })
      .finally(() => {
        if (this.#running.get(id)?.ended === ended) this.#running.delete(id);
      });
    this.#running.set(id, { token: document.state.saga.token, ended });
  }

  /** The order once it is final, or as it is after `waitMs`. Null when there is none. */
  async settled(id: string, waitMs: number): Promise<Versioned<OrderState> | null> {
    const { orders, clock } = this.#options;
    const until = clock.now() + waitMs;
    for (;;) {
      const left = until - clock.now();
      const mine = this.#running.get(id)?.ended;
      if (mine !== undefined && left > 0) await Promise.race([mine, clock.sleep(left)]);
      const document = await orders.load(id);
      if (document?.state.status !== "PENDING" || clock.now() >= until) return document;
      await clock.sleep(Math.min(LOOK_AGAIN, Math.max(1, until - clock.now())));
    }
  }

  /** One bounded round over the sagas whose lease has ended. Returns how many it took over. */
  async sweep(request: Request): Promise<number> {
    const { orders, clock } = this.#options;
    const lte = clock.now();
    const { items } = await orders.list({ where: { "saga.dueAt": { lte } }, orderBy: "saga.dueAt", limit: SWEEP });
    const taken = await Promise.all(items.map(item => this.#take(item.id, request.accepted)));
    return taken.filter(Boolean).length;
  }

  /**
   * Lets the running sagas come to the end of their step and hands them over, so that nobody has to wait for their leases.
   * One that is still in a call after `graceMs` is handed over as it was stored: two orchestrators are harmless.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    for (const wake of this.#wakes) wake();
    const ended = [...this.#running.values()].map(running => running.ended);
    await Promise.race([Promise.all(ended), this.#options.clock.sleep(graceMs)]);
    await Promise.all([...this.#running].map(([id, { token }]) => this.#handOver(id, token)));
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#wakes.delete(wake);
        resolve();
      };
      this.#wakes.add(wake);
      void this.#options.clock.sleep(ms).then(wake);
      if (this.#stopped) wake();
    });
  }

  async #handOver(id: string, token: number): Promise<void> {
    const { orders, clock, onError } = this.#options;
    const free = (current: Versioned<OrderState> | null) => {
      const saga = current?.state.saga;
      if (current === null || saga?.token !== token || saga.dueAt === null) return keep(null);
      return write({ ...current.state, saga: { ...saga, dueAt: clock.now() } }, [], null);
    };
    await orders.update(id, free).catch((error: unknown) => {
      onError(id, error);
    });
  }

  async #take(id: string, call: Call): Promise<boolean> {
    const { orders, clock, leaseMs } = this.#options;
    const { document, result } = await orders.update(id, current => {
      const saga = current === null ? null : takeOver(current.state.saga, clock.now(), leaseMs);
      return current === null || saga === null ? keep(false) : write({ ...current.state, saga }, [], true);
    });
    if (result && document !== null) {
      this.#options.onTakeOver?.();
      this.run(document, call, this.#options.resume());
    }
    return result;
  }
}
