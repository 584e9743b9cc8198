// Bearer tokens (RFC 6750): EdDSA JWTs, verified with account's published keys. Verified ones are remembered until they expire.
import { Errors } from "moleculer";
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Principal } from "../../core/request.ts";
import { principalOf, tokenAlgorithm, tokenAudience, tokenIssuer } from "../../core/tokens.ts";

export interface Caller {
  readonly principal: Principal;
  /** Why a token that was sent did not count. */
  readonly problem?: "invalid" | Errors.MoleculerError;
}
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;
/** The answer of v1.account.jwks. */
export type FetchKeys = () => Promise<JSONWebKeySet>;

const REMEMBERED_TOKENS = 10_000;
/** Tokens with made-up key ids must not become a stream of calls. */
const REFETCH_PAUSE_MS = 1_000;

const anonymous: Caller = { principal: { kind: "anonymous" } };
const invalid: Caller = { ...anonymous, problem: "invalid" };

interface Verified {
  readonly caller: Caller;
  readonly expiresAt: number;
}

/** The least recently used goes first. */
class VerifiedTokens {
  readonly #entries = new Map<string, Verified>();

  get(token: string, now: number): Caller | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined) return undefined;
    this.#entries.delete(token);
    if (entry.expiresAt <= now) return undefined;
    this.#entries.set(token, entry);
    return entry.caller;
  }

  add(token: string, entry: Verified): void {
    const oldest = this.#entries.size < REMEMBERED_TOKENS ? undefined : this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(token, entry);
  }
}

/** The published keys, fetched on first use and again for a key id that they do not have. */
function keySource(fetchKeys: FetchKeys, clock: Clock): JWTVerifyGetKey {
  let current: JWTVerifyGetKey | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<JWTVerifyGetKey> | undefined;

  async function fetchOnce(): Promise<JWTVerifyGetKey> {
    const keys = createLocalJWKSet(await fetchKeys());
    fetchedAt = clock.now();
    current = keys;
    return keys;
  }
  const refresh = (): Promise<JWTVerifyGetKey> =>
    (fetching ??= fetchOnce().finally(() => {
      fetching = undefined;
    }));

  return async (header, token) => {
    const keys = current ?? (await refresh());
    try {
      return await keys(header, token);
    } catch (error) {
      const fresh = clock.now() - fetchedAt < REFETCH_PAUSE_MS;
      if (fresh || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return (await refresh())(header, token);
    }
  };
}

export function authenticator(fetchKeys: FetchKeys, clock: Clock): Authenticate {
  const keys = keySource(fetchKeys, clock);
  const verifiedTokens = new VerifiedTokens();

  async function verify(token: string): Promise<Caller> {
    const { payload } = await jwtVerify(token, keys, {
      issuer: tokenIssuer,
      audience: tokenAudience,
      algorithms: [tokenAlgorithm],
      requiredClaims: ["exp"],
      currentDate: new Date(clock.now()),
    });
    const principal = principalOf(payload);
    if (principal === null) return invalid;
    const caller: Caller = { principal };
    verifiedTokens.add(token, { caller, expiresAt: (payload.exp ?? 0) * 1000 });
    return caller;
  }

  return async authorization => {
    if (authorization === undefined) return anonymous;
    const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
    if (token === undefined) return invalid;
    const known = verifiedTokens.get(token, clock.now());
    if (known !== undefined) return known;
    try {
      return await verify(token);
    } catch (error) {
      // jose refuses with its own classes; a Moleculer error means that the keys could not be had.
      return error instanceof Errors.MoleculerError ? { ...anonymous, problem: error } : invalid;
    }
  };
}
