// A Moleculer context as a Request, and a service's calls as Moleculer calls.
import type { Context, ServiceBroker } from "moleculer";
import type { ActionName } from "./contracts/index.ts";
import { OWN_BUDGET_MS } from "./deadlines.ts";
import type { Call, IdempotencyKey, Principal, Request } from "./request.ts";
import { traceIdHere } from "./tracing/scope.ts";

/** What travels in ctx.meta. Set by the gateway for a client's request and by `callerOf` for a service's. */
export interface Meta {
  principal?: Principal;
  idempotency?: IdempotencyKey | null;
  ifMatch?: number | null;
  wait?: number;
  deadline?: number;
  /** W3C Trace Context: the trace, and the span that the call is made in. */
  traceparent?: string;
}

const DEFAULT_WAIT_MS = 2_000;

/**
 * Calls as the named service. By `broker.call` and not `ctx.call`: that one merges the callee's meta back into the
 * caller's, which would turn a client's principal into a service's.
 */
export function callerOf(
  broker: ServiceBroker,
  service: string,
  parent?: Context,
  deadlineOf = (): number => Date.now() + OWN_BUDGET_MS,
): Call {
  const principal: Principal = { kind: "service", id: service };
  const call = (action: ActionName, params: unknown) => {
    const meta: Meta = { principal, idempotency: null, ifMatch: null, deadline: deadlineOf() };
    return broker.call(action, params, parent === undefined ? { meta } : { meta, parentCtx: parent });
  };
  return call as Call;
}

/** The request of a service that acts on its own: sweepers, relays, reactions. */
export const ownRequest = (broker: ServiceBroker, service: string): Request => ({
  principal: { kind: "service", id: service },
  call: callerOf(broker, service),
  accepted: callerOf(broker, service),
  traceId: traceIdHere(),
  deadline: Date.now() + OWN_BUDGET_MS,
  idempotency: null,
  ifMatch: null,
  wait: DEFAULT_WAIT_MS,
});

export function requestOf(ctx: Context, service: string): Request {
  const meta = ctx.meta as Meta;
  const deadline = meta.deadline ?? Date.now() + OWN_BUDGET_MS;
  return {
    principal: meta.principal ?? { kind: "anonymous" },
    call: callerOf(ctx.broker, service, ctx, () => deadline),
    accepted: callerOf(ctx.broker, service, ctx),
    traceId: traceIdHere(),
    deadline,
    idempotency: meta.idempotency ?? null,
    ifMatch: meta.ifMatch ?? null,
    wait: meta.wait ?? DEFAULT_WAIT_MS,
  };
}
