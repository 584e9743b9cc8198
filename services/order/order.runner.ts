// Runs order sagas: for the request that placed the order, and for orders whose orchestrator died.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import type { Call, Request } from "../../core/request.ts";
import { runSaga } from "../../core/saga/engine.ts";
import { takeOver } from "../../core/saga/record.ts";
import { keep, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import { orderJournal, sagaStateOf } from "./order.journal.ts";
import { placingSteps } from "./order.saga.ts";
import type { OrderState } from "./order.schema.ts";

interface RunnerOptions {
  readonly orders: DocumentStore<OrderState>;
  readonly clock: Clock;
  readonly random: Random;
  readonly leaseMs: number;
  readonly onError: (orderId: string, error: unknown) => void;
}

/** Sagas taken over in one sweep: a dead node's work is spread over several sweeps of several nodes. */
const SWEEP = 50;
/** How often a request that waits for another node's saga looks again, in ms. */
const LOOK_AGAIN = 100;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Never rejects: what fails here stays PENDING and is the sweeper's when the lease ends. */
  run(document: Versioned<OrderState>, call: Call): void {
    const { orders, clock, random, leaseMs, onError } = this.#options;
    const { id } = document;
    const journal = orderJournal(orders, id, { clock, leaseMs });
    const surroundings = { clock, random, call, stopping: () => this.#stopped };
    const ended = runSaga(placingSteps, journal, sagaStateOf(document), surroundings)
      .catch((error: unknown) => {
        onError(id, error);
      })
      .finally(() => {
        if (this.#running.get(id) === ended) this.#running.delete(id);
      });
    this.#running.set(id, ended);
  }

  /** The order once it is final, or as it is after `waitMs`. Null when there is none. */
  async settled(id: string, waitMs: number): Promise<Versioned<OrderState> | null> {
    const { orders, clock } = this.#options;
    const until = clock.now() + waitMs;
    for (;;) {
      const left = until - clock.now();
      const mine = this.#running.get(id);
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
    const taken = await Promise.all(items.map(item => this.#take(item.id, request.call)));
    return taken.filter(Boolean).length;
  }

  /** Lets the running sagas come to their next save or end, for at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.race([Promise.all(this.#running.values()), this.#options.clock.sleep(graceMs)]);
  }

  async #take(id: string, call: Call): Promise<boolean> {
    const { orders, clock, leaseMs } = this.#options;
    const { document, result } = await orders.update(id, current => {
      const saga = current === null ? null : takeOver(current.state.saga, clock.now(), leaseMs);
      return current === null || saga === null ? keep(false) : write({ ...current.state, saga }, [], true);
    });
    if (result && document !== null) this.run(document, call);
    return result;
  }
}
