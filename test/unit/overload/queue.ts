// A shop as a queue: one core, and orders that come back to its end for each part of their work. Virtual time.
import { Admission } from "../../../services/order/order.admission.ts";
import { Throttle } from "../../../services/gateway/gateway.throttle.ts";

export interface Phase {
  readonly seconds: number;
  /** Orders per second. */
  readonly offered: number;
  /** Of the core: orders per second that it can do. */
  readonly capacity: number;
}

export interface Told {
  readonly acceptedPerSecond: number;
  readonly refusedPerSecond: number;
  /** Of these, not at the door already. */
  readonly insidePerSecond: number;
  /** Of the accepted that came in this phase, in ms. */
  readonly p99: number;
  readonly p50: number;
}

/** Shares of an order's work: placing it, what its saga does at the stock and at billing (it takes nine times as long), and refusing it behind and at the door. */
const PLACING = [0.1, 0.1];
const STOCK = Array.from({ length: 6 }, () => 0.8 / 18);
const BILLING = Array.from({ length: 6 }, () => 0.8 / 18);
const REFUSED_INSIDE = 0.15;
const REFUSED_AT_THE_DOOR = 0.03;

interface Result {
  readonly latencies: number[];
  refused: number;
  inside: number;
}

type Job = { share: number; done: () => void };

/** Lehmer's generator: the same numbers each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

export interface Waits {
  /** How long the payment provider lets each order wait, which takes no core. */
  readonly outsideMs?: number;
  /** How long placing waits for the network of a cluster, which takes none either. */
  readonly networkMs?: number;
}

export async function run(phases: readonly Phase[], { outsideMs = 0, networkMs = 0 }: Waits = {}): Promise<Told[]> {
  const fraction = chance(7);
  let now = 0;
  const clock = {
    now: () => now,
    sleep: () => Promise.resolve(),
    defer: (task: () => void) => {
      task();
    },
  };
  const random = { fraction, id: () => "" };
  const admission = new Admission(clock, random);
  const throttle = new Throttle({ clock, random });
  const queue: Job[] = [];
  const later: { at: number; resolve: () => void }[] = [];
  const work = (share: number) => new Promise<void>(resolve => queue.push({ share, done: resolve }));
  const outside = (ms: number) =>
    ms === 0 ? Promise.resolve() : new Promise<void>(resolve => later.push({ at: now + ms, resolve }));
  const results = phases.map((): Result => ({ latencies: [], refused: 0, inside: 0 }));

  const admit = () => {
    try {
      return admission.admit();
    } catch {
      return null;
    }
  };

  async function order(phase: number): Promise<void> {
    const result = results[phase];
    if (result === undefined) return;
    const began = now;
    if (throttle.refuses()) {
      result.refused += 1;
      return work(REFUSED_AT_THE_DOOR);
    }
    throttle.sent();
    const admitted = admit();
    if (admitted === null) {
      throttle.refused();
      result.refused += 1;
      result.inside += 1;
      return work(REFUSED_INSIDE);
    }
    for (const share of PLACING) await work(share);
    await outside(networkMs);
    for (const share of STOCK) await work(share);
    await admitted.outside(async () => {
      await outside(outsideMs);
      for (const share of BILLING) await work(share);
    });
    for (const share of STOCK) await work(share);
    admitted.done();
    result.latencies.push(now - began);
  }

  /** Lets what was resolved go on up to its next wait. */
  const settle = async () => {
    for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
  };

  /** One turn: what is due, and then the next job or the next moment at which something comes. */
  async function turn(capacity: number, next: number): Promise<void> {
    for (const due of later.filter(({ at }) => at <= now)) {
      later.splice(later.indexOf(due), 1);
      due.resolve();
    }
    await settle();
    const job = queue.shift();
    now = job === undefined ? Math.min(next, ...later.map(({ at }) => at)) : now + (job.share * 1000) / capacity;
    job?.done();
    await settle();
  }

  let last = 1;
  for (const [phase, { seconds, offered, capacity }] of phases.entries()) {
    const end = now + seconds * 1000;
    let next = now;
    last = capacity;
    while (now < end) {
      while (next <= now) {
        // Exponential gaps: arrivals that know nothing of each other.
        next += (-Math.log(1 - fraction()) * 1000) / offered;
        void order(phase);
      }
      await turn(capacity, next);
    }
  }
  // What is still in work counts for the phase in which it came.
  while (queue.length > 0 || later.length > 0) await turn(last, Infinity);
  return results.map((result, index) => told(result, phases[index]?.seconds ?? 1));
}

function told({ latencies, refused, inside }: Result, seconds: number): Told {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    acceptedPerSecond: latencies.length / seconds,
    refusedPerSecond: refused / seconds,
    insidePerSecond: inside / seconds,
    p50: at(0.5),
    p99: at(0.99),
  };
}
