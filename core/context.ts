// A Moleculer context as a Request, and a service's calls as Moleculer calls.
import type { Context, ServiceBroker } from "moleculer";
import type { ActionName } from "./contracts/index.ts";
import type { Call, IdempotencyKey, Principal, Request } from "./request.ts";

/** What travels in ctx.meta. Set by the gateway for a client's request and by `callerOf` for a service's. */
export interface Meta {
  principal?: Principal;
  idempotency?: IdempotencyKey | null;
  ifMatch?: number | null;
  wait?: number;
  deadline?: number;
}

/** What a service asks of another, and a call without a deadline in its meta, may take this long. */
const DEFAULT_BUDGET_MS = 30_000;
const DEFAULT_WAIT_MS = 2_000;

/**
 * Calls as the named service. By `broker.call` and not `ctx.call`: that one merges the callee's meta back into the
 * caller's, which would turn a client's principal into a service's.
 */
export function callerOf(broker: ServiceBroker, service: string, parent?: Context): Call {
  const principal: Principal = { kind: "service", id: service };
  const call = (action: ActionName, params: unknown) => {
    // A budget of its own: an accepted order goes on when the client's patience, which would be inherited, is over.
    const meta: Meta = { principal, idempotency: null, ifMatch: null, deadline: Date.now() + DEFAULT_BUDGET_MS };
    return broker.call(action, params, parent === undefined ? { meta } : { meta, parentCtx: parent });
  };
  return call as Call;
}

/** The request of a service that acts on its own: sweepers, relays, reactions. */
export const ownRequest = (broker: ServiceBroker, service: string): Request => ({
  principal: { kind: "service", id: service },
  call: callerOf(broker, service),
  traceId: broker.generateUid(),
  deadline: Date.now() + DEFAULT_BUDGET_MS,
  idempotency: null,
  ifMatch: null,
  wait: DEFAULT_WAIT_MS,
});

export function requestOf(ctx: Context, service: string): Request {
  const meta = ctx.meta as Meta;
  return {
    principal: meta.principal ?? { kind: "anonymous" },
    call: callerOf(ctx.broker, service, ctx),
    traceId: ctx.requestID ?? ctx.id,
    deadline: meta.deadline ?? Date.now() + DEFAULT_BUDGET_MS,
    idempotency: meta.idempotency ?? null,
    ifMatch: meta.ifMatch ?? null,
    wait: meta.wait ?? DEFAULT_WAIT_MS,
  };
}
