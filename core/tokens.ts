// What an access token says: account writes it, the gateway reads it.
import type { JWTPayload } from "jose";
import { scopes, type Scope } from "./contracts/action.ts";
import type { Principal } from "./request.ts";

export const tokenIssuer = "comptoir";
export const tokenAudience = "comptoir";
/** Ed25519 as JOSE names it (RFC 8037). */
export const tokenAlgorithm = "EdDSA";
export const TOKEN_LIFETIME_SECONDS = 3600;

type User = Extract<Principal, { kind: "user" }>;

/** The claims besides the registered ones: `scope` as in RFC 8693, names parted by spaces; `customerId` null for staff. */
export const claimsOf = (user: User): { sub: string; scope: string; customerId: string | null } => ({
  sub: user.id,
  scope: user.scopes.join(" "),
  customerId: user.customerId,
});

const isScope = (name: string): name is Scope => (scopes as readonly string[]).includes(name);

/**
 * The principal of a verified token; null when it says nothing we can use. Scopes that we do not know are left out.
 * `customerId` must be there: a token without it would otherwise pass for staff's.
 */
export function principalOf({ sub, scope, customerId }: JWTPayload): User | null {
  if (typeof sub !== "string" || sub === "" || typeof scope !== "string") return null;
  if (customerId !== null && typeof customerId !== "string") return null;
  return { kind: "user", id: sub, scopes: scope.split(" ").filter(isScope), customerId };
}
