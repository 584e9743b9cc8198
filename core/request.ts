// Who asks, under which key, until when: what a handler may know of the call besides its parameters.
import type { ActionName, Params, Result } from "./contracts/index.ts";
import type { Scope } from "./contracts/action.ts";
import { deriveId } from "./derive-id.ts";

export type Principal =
  | { readonly kind: "anonymous" }
  /** `customerId` is null for staff; a customer sees and orders for that customer only. */
  | {
      readonly kind: "user";
      readonly id: string;
      readonly scopes: readonly Scope[];
      readonly customerId: string | null;
    }
  | { readonly kind: "service"; readonly id: string };

/** The Idempotency-Key of a request and the SHA-256 of what was asked with it. */
export interface IdempotencyKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** Calls an action of another service as this service, within the caller's trace. Errors are core/errors.ts'. */
export type Call = <A extends ActionName>(action: A, params: Params<A>) => Promise<Result<A>>;

export interface Request {
  readonly principal: Principal;
  /** Within this request's deadline: what nobody waits for any more is not begun. */
  readonly call: Call;
  /** For work that was accepted: each call has time of its own, for it goes on when the client's patience is over. */
  readonly accepted: Call;
  readonly traceId: string;
  /** Milliseconds since the epoch; after it nobody waits for the answer. */
  readonly deadline: number;
  readonly idempotency: IdempotencyKey | null;
  /** The version that If-Match names. */
  readonly ifMatch: number | null;
  /** How long the caller wants to wait for a final state, in milliseconds. */
  readonly wait: number;
}

export const customerOf = (principal: Principal): string | null =>
  principal.kind === "user" ? principal.customerId : null;

export const hasScope = (principal: Principal, scope: Scope): boolean =>
  principal.kind === "user" && principal.scopes.includes(scope);

/** Whether this principal may see what belongs to that customer; what it may not see it is told does not exist. */
export function maySee(principal: Principal, customerId: string | null): boolean {
  if (principal.kind === "service") return true;
  if (principal.kind === "anonymous") return false;
  return principal.customerId === null || principal.customerId === customerId;
}

/**
 * A command's own id: of (principal, Idempotency-Key), so that a repeat finds what the first one made, for ever.
 * Without a key (services, optional keys) every call is a command of its own: `unkeyed` gives its id.
 */
export function commandId(request: Request, unkeyed: () => string): string {
  if (request.idempotency === null) return unkeyed();
  const who =
    request.principal.kind === "anonymous" ? "anonymous" : `${request.principal.kind}:${request.principal.id}`;
  return deriveId(who, request.idempotency.key);
}
