// Refuses new requests while this process cannot keep up: an early 503 is worth more than an answer nobody waits for.
import type { IncomingMessage } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fail } from "../../core/errors.ts";
import { counter, gauge } from "../../core/metrics/registry.ts";
import { Throttle, type ThrottleOptions } from "./gateway.throttle.ts";

export interface Limits {
  /** Above it new requests are refused: a request takes about ten turns of the event loop, so it would take 5 s. */
  readonly highMs: number;
  /** Below it they are taken again: half of it, so that it does not flutter. */
  readonly lowMs: number;
  /** Requests that run at once: a bound on memory, four times what order placement takes (core/resilience.ts). */
  readonly inFlight: number;
}
const limits: Limits = { highMs: 500, lowMs: 250, inFlight: 6_000 };

const RETRY_AFTER_S = 2;
const SAMPLE_MS = 500;
const RESOLUTION_MS = 10;
const NEWEST = 0.4;
/** Of the limit: after calm one pause, however long, stays below it, of the garbage collector say or of a busy machine; two in a row do not. */
const MOST = 0.96 / NEWEST;

const reasons = ["lag", "in flight", "orders"] as const;
export type Reason = (typeof reasons)[number];

/** The decision, without a clock. */
export class Shedding {
  readonly #limits: Limits;
  readonly #onChange: (isShedding: boolean, lagMs: number) => void;
  #lagMs = 0;
  #lags = false;
  #inFlight = 0;

  constructor(own: Limits, onChange: (isShedding: boolean, lagMs: number) => void) {
    this.#limits = own;
    this.#onChange = onChange;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @param delayMs how late the event loop was in the median since the last sample. */
  sample(delayMs: number): void {
    const counted = Math.min(delayMs, MOST * this.#limits.highMs);
    this.#lagMs += (counted - this.#lagMs) * NEWEST;
    const lags = this.#lagMs > (this.#lags ? this.#limits.lowMs : this.#limits.highMs);
    if (lags !== this.#lags) this.#onChange(lags, Math.round(this.#lagMs));
    this.#lags = lags;
  }

  /** Null when the request may run; whoever gets that calls `end` when it has ended. */
  begin(): Reason | null {
    if (this.#lags) return "lag";
    if (this.#inFlight >= this.#limits.inFlight) return "in flight";
    this.#inFlight += 1;
    return null;
  }

  end(): void {
    this.#inFlight -= 1;
  }
}

const shed = counter("comptoir_requests_shed_total");
/** Before the first refusal: a series that begins with many would hide them from Prometheus. */
for (const reason of reasons) shed.labels({ reason });

export interface LoadGuard {
  /** The error to answer with, or null when the request may run: then `ended` is called once it has. */
  refuse(request: IncomingMessage): Error | null;
  /** A new order goes to the order service. */
  sent(): void;
  /** The order service has refused an order because too many come in: it counts as refused here. */
  overloaded(): void;
  ended(): void;
  stop(): void;
}

/** However many slashes it ends in: the router takes it so. */
const ORDERS = /^\/v1\/orders\/*(?:[?#]|$)/;
const isNewOrder = ({ method, url = "" }: IncomingMessage): boolean => method === "POST" && ORDERS.test(url);

/** Made once: a stack trace for each of hundreds a second is what refusing would cost most. */
const tooManyOrders = fail("OVERLOADED", "More orders come in than can be placed now: try again soon", {
  retryAfter: RETRY_AFTER_S,
});
const tooMuch = fail("OVERLOADED", "More is asked than can be answered now: try again soon", {
  retryAfter: RETRY_AFTER_S,
});

function refusalFor(reason: Reason): Error {
  shed.labels({ reason }).inc();
  return reason === "orders" ? tooManyOrders : tooMuch;
}

function show(shedding: Shedding, orders: Throttle): void {
  const inFlight = gauge("comptoir_requests_in_flight");
  inFlight.onScrape(() => {
    inFlight.labels().set(shedding.inFlight);
  });
  const share = gauge("comptoir_orders_let_through_ratio");
  share.onScrape(() => {
    share.labels().set(orders.share);
  });
}

/** @returns what ends it */
function watchTheLoop(shedding: Shedding): () => void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let sampledAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // The first tick after a reset only begins to count: where no second one came, the loop stood still since the last sample.
    const betweenMs = delays.count > 0 ? delays.percentile(50) / 1e6 : now - sampledAt;
    // Between two ticks, so the tick itself goes off.
    shedding.sample(Math.max(0, betweenMs - RESOLUTION_MS));
    sampledAt = now;
    delays.reset();
  }, SAMPLE_MS).unref();
  return () => {
    clearInterval(timer);
    delays.disable();
  };
}

export function loadGuard(
  onChange: (isShedding: boolean, lagMs: number) => void,
  chance: ThrottleOptions,
  own: Partial<Limits> = {},
): LoadGuard {
  const orders = new Throttle(chance);
  const shedding = new Shedding({ ...limits, ...own }, onChange);
  show(shedding, orders);
  const stopWatching = watchTheLoop(shedding);
  return {
    refuse(request) {
      // New orders before everything else: they cost the most, and their clients keep the cart.
      const reason = isNewOrder(request) && orders.refuses() ? "orders" : shedding.begin();
      return reason === null ? null : refusalFor(reason);
    },
    sent() {
      orders.sent();
    },
    overloaded() {
      orders.refused();
      shed.labels({ reason: "orders" }).inc();
    },
    ended() {
      shedding.end();
    },
    stop: stopWatching,
  };
}
