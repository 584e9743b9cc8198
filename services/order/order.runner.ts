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

export interface RunnerOptions {
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

export function createRunner({ orders, clock, random, leaseMs, onError }: RunnerOptions) {
  const running = new Map<string, Promise<void>>();
  let stopped = false;

  /** Never rejects: what fails here stays PENDING and is the sweeper's when the lease ends. */
  function run(document: Versioned<OrderState>, call: Call): void {
    const { id } = document;
    const journal = orderJournal(orders, id, { clock, leaseMs });
    const ended = runSaga(placingSteps, journal, sagaStateOf(document), {
      clock,
      random,
      call,
      stopping: () => stopped,
    })
      .catch((error: unknown) => {
        onError(id, error);
      })
      .finally(() => {
        if (running.get(id) === ended) running.delete(id);
      });
    running.set(id, ended);
  }

  /** The order once it is final, or as it is after `waitMs`. Null when there is none. */
  async function settled(id: string, waitMs: number): Promise<Versioned<OrderState> | null> {
    const until = clock.now() + waitMs;
    for (;;) {
      const left = until - clock.now();
      const mine = running.get(id);
      if (mine !== undefined && left > 0) await Promise.race([mine, clock.sleep(left)]);
      const document = await orders.load(id);
      if (document?.state.status !== "PENDING" || clock.now() >= until) return document;
      await clock.sleep(Math.min(LOOK_AGAIN, Math.max(1, until - clock.now())));
    }
  }

  /** One bounded round over the sagas whose lease has ended. Returns how many it took over. */
  async function sweep(request: Request): Promise<number> {
    const now = clock.now();
    const { items } = await orders.list({ where: { "saga.dueAt": { lte: now } }, orderBy: "saga.dueAt", limit: SWEEP });
    const taken = await Promise.all(items.map(item => take(item.id, request.call)));
    return taken.filter(Boolean).length;
  }

  async function take(id: string, call: Call): Promise<boolean> {
    const { document, result } = await orders.update(id, current => {
      const saga = current === null ? null : takeOver(current.state.saga, clock.now(), leaseMs);
      return current === null || saga === null ? keep(false) : write({ ...current.state, saga }, [], true);
    });
    if (result && document !== null) run(document, call);
    return result;
  }

  return {
    run,
    settled,
    sweep,
    /** Lets the running sagas come to their next save or end, for at most `graceMs`. */
    async stop(graceMs: number): Promise<void> {
      stopped = true;
      await Promise.race([Promise.all(running.values()), clock.sleep(graceMs)]);
    },
  };
}

export type Runner = ReturnType<typeof createRunner>;
