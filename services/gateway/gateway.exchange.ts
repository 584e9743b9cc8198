// One request from the caller's token to the answer. The order of the steps decides which error a caller sees first.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import type { Config } from "../../core/config.ts";
import { PATIENCE_MS } from "../../core/deadlines.ts";
import { toError } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { accessRefusal } from "../../core/middlewares/authorisation.ts";
import { policyOf } from "../../core/resilience.ts";
import { traceIdHere } from "../../core/tracing/scope.ts";
import { clientAddress } from "./gateway.address.ts";
import { authenticator, type Caller, type FetchKeys } from "./gateway.authentication.ts";
import { inputOf } from "./gateway.input.ts";
import { loginGuard, requestLimit } from "./gateway.limits.ts";
import type { Measured } from "./gateway.metrics.ts";
import { operations, type Operation } from "./gateway.operations.ts";
import { respond, send } from "./gateway.output.ts";
import { problemOf } from "./gateway.problems.ts";

/** What moleculer-web leaves on a request that met a route. */
export interface RoutedRequest extends Measured {
  $ctx?: Context;
  $endpoint?: unknown;
  $params?: { params?: Record<string, unknown>; query?: Record<string, unknown> };
}

type Call = (params: unknown, options: object) => Promise<unknown>;

function demandAccess(auth: unknown, { principal, problem }: Caller): void {
  const refused = accessRefusal(auth, principal);
  if (refused === null) return;
  if (problem instanceof Error) throw problem;
  throw toError(
    problem === "invalid"
      ? { ...refused, detail: "The access token is malformed, expired or not ours: log in again" }
      : refused,
  );
}

const tableOf = (clock: Clock) =>
  new Map<string, { operation: Operation; input: ReturnType<typeof inputOf> }>(
    operations.map(operation => [
      operation.action,
      { operation, input: inputOf(operation, PATIENCE_MS, () => clock.now()) },
    ]),
  );

/** @param onSend is told of each action that is asked for, once the request has been found to be right */
export function exchanges(config: Config, clock: Clock, fetchKeys: FetchKeys, onSend: (action: string) => void) {
  const authenticate = authenticator(fetchKeys, clock);
  const limit = requestLimit(config.rateLimit);
  const addressOf = clientAddress(config.trustedProxies);
  const guardLogin = loginGuard();
  const table = tableOf(clock);

  async function admit(operation: Operation, request: IncomingMessage, response: ServerResponse): Promise<Caller> {
    const caller = await authenticate(request.headers.authorization);
    const { headers, refused } = await limit(caller.principal, addressOf(request));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (refused !== null) throw refused;
    demandAccess(operation.contract.auth, caller);
    return caller;
  }

  const guarded = (operation: Operation, request: IncomingMessage, params: object, call: () => Promise<unknown>) =>
    operation.action === "v1.account.login"
      ? guardLogin(addressOf(request), (params as { email: string }).email, call)
      : call();

  /** Runs the action that the route found. */
  return async function exchange(action: string, request: RoutedRequest, response: ServerResponse): Promise<void> {
    const entry = table.get(action);
    const { $ctx: ctx, $params: given, $endpoint: endpoint } = request;
    if (entry === undefined || ctx === undefined) throw new Error(`No operation for ${action}`);
    const { operation, input } = entry;
    const { principal } = await admit(operation, request, response);
    const { params, meta } = await input(request, given?.params ?? {}, given?.query ?? {});
    // The endpoint that moleculer-web chose, unless the parameters choose; Moleculer's types only know names here.
    const target = policyOf(action).affinity === null ? endpoint : action;
    const call = (ctx.call as (target: unknown, ...rest: Parameters<Call>) => Promise<unknown>).bind(ctx);
    const options = { meta: { ...meta, principal } };
    onSend(action);
    const result = await guarded(operation, request, params, () => call(target, params, options));
    respond(operation, request, response, params, result as Record<string, unknown>);
  };
}

export function sendProblem(request: RoutedRequest, response: ServerResponse, error: unknown): string {
  const { problem, headers } = problemOf(error, traceIdHere(), request.$alias?.action ?? undefined);
  if (problem.status === 401) {
    const sent = request.headers.authorization !== undefined;
    headers["WWW-Authenticate"] = sent ? 'Bearer error="invalid_token"' : "Bearer";
  }
  request.$problem = problem.code;
  send(request, response, problem.status, headers, JSON.stringify(problem));
  return problem.code;
}
