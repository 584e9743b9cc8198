// A call's deadline on its way: remaining milliseconds on the wire, because hosts' clocks differ, and a moment of the own
// clock on either side. What arrives after its time is refused before anything runs.
import type { ActionHandler, Context, Middleware } from "moleculer";
import type { Meta } from "../context.ts";
import { fail } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";

/** What travels in place of `deadline`. */
interface Wire {
  /** What was left of the call's time when it was sent, in ms. */
  readonly left?: number;
  /** By the sender's clock. */
  readonly sentAt?: number;
}

export const deadlineExceeded = (): Error =>
  fail("DEADLINE_EXCEEDED", "Nobody waits for this any more: it was not begun");

/** Clocks drift apart, and a sender's clock may be set: what was learnt of it is slowly given up, in ms per ms. */
const DRIFT = 0.001;

/**
 * How late a message is, compared with the quickest from the same sender: the difference of the clocks is part of both.
 * A server that was frozen, or a network that held messages back, delivers them all at once when it is back.
 */
export class Lateness {
  readonly #senders = new Map<string, { quickest: number; at: number }>();

  /** In ms, at least 0. */
  of(sender: string, sentAt: number, now: number): number {
    const took = now - sentAt;
    const known = this.#senders.get(sender);
    const quickest = known === undefined ? took : Math.min(took, known.quickest + (now - known.at) * DRIFT);
    this.#senders.set(sender, { quickest, at: now });
    return took - quickest;
  }

  forget(sender: string): void {
    this.#senders.delete(sender);
  }
}

const arrivedFromAfar = (ctx: Context): boolean => ctx.nodeID !== null && ctx.nodeID !== ctx.broker.nodeID;

/** Innermost on the calling side: the last thing before a request leaves. */
export const departures = (clock: Clock): Middleware => ({
  name: "Departures",
  remoteAction(next: ActionHandler): ActionHandler {
    return function depart(this: unknown, ctx: Context) {
      const { deadline: _local, ...meta } = ctx.meta as Meta;
      const now = clock.now();
      const left = ctx.options.timeout ?? 0;
      ctx.meta = { ...meta, ...(left > 0 ? { left, sentAt: now } : {}) };
      return next.call(this as never, ctx) as Promise<unknown>;
    };
  },
});

/** Outermost on the side that runs the action. */
export function arrivals(clock: Clock): Middleware {
  const lateness = new Lateness();
  return {
    name: "Arrivals",
    created(broker) {
      broker.localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => {
        lateness.forget(node.id);
      });
    },
    localAction(next: ActionHandler): ActionHandler {
      return function arrive(this: unknown, ctx: Context) {
        if (arrivedFromAfar(ctx)) {
          const { left, sentAt, ...meta } = ctx.meta as Meta & Wire;
          if (left !== undefined && sentAt !== undefined) {
            const now = clock.now();
            const deadline = now + left - lateness.of(String(ctx.nodeID), sentAt, now);
            if (deadline <= now) return Promise.reject(deadlineExceeded());
            ctx.meta = { ...meta, deadline };
            ctx.options.timeout = deadline - now;
          }
        }
        return next.call(this as never, ctx) as Promise<unknown>;
      };
    },
  };
}

/** Innermost: also what waited behind a bulkhead may be too late now. */
export const latecomers = (clock: Clock): Middleware => ({
  name: "Latecomers",
  localAction(next: ActionHandler): ActionHandler {
    return function refuseLate(this: unknown, ctx: Context) {
      const { deadline } = ctx.meta as Meta;
      if (deadline !== undefined && deadline <= clock.now()) return Promise.reject(deadlineExceeded());
      return next.call(this as never, ctx) as Promise<unknown>;
    };
  },
});
