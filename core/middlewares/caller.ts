// Every call of this node, from the caller's side: how long it may take, and whether it is made again.
import type { ActionEndpoint, CallingOptions, Middleware } from "moleculer";
import type { Meta } from "../context.ts";
import { failureOf, mayRepeat } from "../failures.ts";
import type { Clock } from "../kernel/clock.ts";
import { backoff, type Random } from "../kernel/random.ts";
import { counter } from "../metrics/registry.ts";
import type { Policy } from "../policy.ts";
import { policyOf } from "../resilience.ts";
import { currentScope } from "../tracing/scope.ts";
import { isRecording } from "../tracing/tracer.ts";
import { freshTraceparent, traceIdOf } from "../tracing/traceparent.ts";
import { deadlineExceeded } from "./deadlines.ts";

const retries = counter("comptoir_retries_total");

/** Long enough for the registry to learn of a node that stops, short enough for an answer within a second. */
const PAUSE = { base: 50, cap: 250 };

type Target = string | (ActionEndpoint & { readonly action: { readonly name: string } });
type Call = (target: Target, params: unknown, options: CallingOptions) => Promise<unknown>;

const metaOf = (options: CallingOptions): Meta => {
  const parent = options.parentCtx?.meta as Meta | undefined;
  return { ...parent, ...(options.meta as Meta | undefined) };
};

/**
 * The trace that the call belongs to: of what runs here, or what it was given. Otherwise it begins one: the recorder's,
 * which then decides whether it is sampled. Moleculer would make up a request id for what no client asked for.
 */
function traceOf(options: CallingOptions): { traceparent?: string; requestID: string } {
  const scope = currentScope();
  const traceparent =
    scope?.traceparent ?? metaOf(options).traceparent ?? (isRecording() ? undefined : freshTraceparent());
  if (traceparent === undefined) return { requestID: "" };
  return { traceparent, requestID: scope?.requestId ?? traceIdOf(traceparent) };
}

/** @param left what is left of the caller's time, in ms. */
function attempt(options: CallingOptions, policy: Policy, left: number, now: number): CallingOptions {
  const timeout = Math.min(policy.timeoutMs, left, options.timeout ?? Infinity);
  const { traceparent, requestID } = traceOf(options);
  const meta = { ...options.meta, deadline: now + timeout, ...(traceparent === undefined ? {} : { traceparent }) };
  return { ...options, timeout, requestID, meta };
}

export function caller({ clock, random }: { clock: Clock; random: Random }): Middleware {
  async function callWithin(call: Call, target: Target, params: unknown, options: CallingOptions): Promise<unknown> {
    const action = typeof target === "string" ? target : target.action.name;
    const policy = policyOf(action);
    const { deadline = Infinity, idempotency } = metaOf(options);
    const keyed = idempotency !== undefined && idempotency !== null;
    for (let count = 1; ; count += 1) {
      const now = clock.now();
      if (deadline <= now) throw deadlineExceeded();
      try {
        // By name when it is made again: another node may be chosen.
        return await call(count === 1 ? target : action, params, attempt(options, policy, deadline - now, now));
      } catch (error) {
        if (count > policy.retries || !mayRepeat(failureOf(error, action), policy, keyed)) throw error;
        const pause = backoff(count, random, PAUSE);
        if (clock.now() + pause >= deadline) throw error;
        retries.labels({ action }).inc();
        await clock.sleep(pause);
      }
    }
  }

  return {
    name: "Caller",
    call(next) {
      const call = next as unknown as Call;
      return ((target: Target, params: unknown, options: CallingOptions = {}) =>
        // A context that is used again has been through here.
        options.ctx === undefined ? callWithin(call, target, params, options) : call(target, params, options)) as never;
    },
  };
}
