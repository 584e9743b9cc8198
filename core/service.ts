// From a contract and its handlers to a Moleculer service's actions.
import type { ActionSchema, Context } from "moleculer";
import type { ActionMap, ParamsOf, ResultOf } from "./contracts/action.ts";
import type { Request } from "./request.ts";
import { requestOf } from "./context.ts";
import { policyOf } from "./resilience.ts";
import { RENDEZVOUS } from "./strategies/rendezvous.ts";

/** One handler per action of a contract; in the simulator they are called without a broker. */
export type HandlersOf<M extends ActionMap> = {
  readonly [A in keyof M]: (params: ParamsOf<M[A]>, request: Request) => Promise<ResultOf<M[A]>>;
};

/** What the callee's side needs of an action's policy, in Moleculer's words; the caller looks into the table itself. */
function optionsOf(fullName: string): Record<string, unknown> {
  const { timeoutMs, bulkhead, affinity } = policyOf(fullName);
  return {
    timeout: timeoutMs,
    ...(bulkhead === null
      ? {}
      : { bulkhead: { enabled: true, concurrency: bulkhead.concurrency, maxQueueSize: bulkhead.queue } }),
    ...(affinity === null ? {} : { strategy: RENDEZVOUS, strategyOptions: { key: affinity } }),
  };
}

/** The `actions` of a service schema: names without "v1.<service>.", validation, scope and handler from the contract. */
export function implement<M extends ActionMap>(contract: M, handlers: HandlersOf<M>): Record<string, ActionSchema> {
  const entries = Object.entries(contract).map(([fullName, { params, auth, rest }]) => {
    const [, service = "", name = ""] = fullName.split(".");
    const handler = handlers[fullName] as (params: unknown, request: Request) => Promise<unknown>;
    const schema = {
      params,
      auth,
      ...(rest === undefined ? {} : { contractRest: rest }),
      // moleculer-web may reach only what has a route; the bridge and the saga reach the rest by the broker.
      visibility: rest === undefined ? ("public" as const) : ("published" as const),
      ...optionsOf(fullName),
      handler: (ctx: Context) => handler(ctx.params, requestOf(ctx, service)),
    };
    return [name, schema] as const;
  });
  return Object.fromEntries(entries) as unknown as Record<string, ActionSchema>;
}
