// How often a caller may ask, and how often a password may be tried. Counted per gateway process.
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { fail, isError } from "../../core/errors.ts";
import { hasScope, type Principal } from "../../core/request.ts";
import { limitedBy } from "./gateway.metrics.ts";

const MINUTE_S = 60;
const FAILED_LOGINS = 10;
const FAILED_LOGINS_PERIOD_S = 15 * 60;

const seconds = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds / 1000));

type Headers = Readonly<Record<string, string>>;
interface Consumed {
  readonly headers: Headers;
  /** Null when the request may go on. */
  readonly refused: Error | null;
}
export type RequestLimit = (principal: Principal, address: string) => Promise<Consumed>;

const unlimited: Consumed = { headers: {}, refused: null };

/** The caller by name, or by the address the connection comes from: headers that name another are the client's own word. */
const keyOf = (principal: Principal, address: string): string =>
  principal.kind === "anonymous" ? `address:${address}` : `${principal.kind}:${principal.id}`;

/** @param perMinute requests per principal or address; 0 = no limit. */
export function requestLimit(perMinute: number): RequestLimit {
  if (perMinute === 0) return () => Promise.resolve(unlimited);
  const limiter = new RateLimiterMemory({ points: perMinute, duration: MINUTE_S });
  const headersOf = (state: RateLimiterRes): Headers => ({
    "RateLimit-Limit": String(perMinute),
    "RateLimit-Remaining": String(Math.max(0, state.remainingPoints)),
    "RateLimit-Reset": String(seconds(state.msBeforeNext)),
  });
  return async (principal, address) => {
    if (hasScope(principal, "orders:import")) return unlimited;
    try {
      return { headers: headersOf(await limiter.consume(keyOf(principal, address))), refused: null };
    } catch (state) {
      if (!(state instanceof RateLimiterRes)) throw state;
      limitedBy.rate.inc();
      const detail = `More than ${String(perMinute)} requests in a minute: slow down`;
      const refused = fail("TOO_MANY_REQUESTS", detail, { retryAfter: seconds(state.msBeforeNext) });
      return { headers: headersOf(state), refused };
    }
  };
}

/** Runs a login unless this address has failed too often with this e-mail address. */
export type LoginGuard = <T>(address: string, email: string, login: () => Promise<T>) => Promise<T>;

export function loginGuard(): LoginGuard {
  const failures = new RateLimiterMemory({
    keyPrefix: "login",
    points: FAILED_LOGINS,
    duration: FAILED_LOGINS_PERIOD_S,
  });
  return async (address, email, login) => {
    const key = `${address} ${email.toLowerCase()}`;
    const state = await failures.get(key);
    if (state !== null && state.consumedPoints >= FAILED_LOGINS) {
      const retryAfter = seconds(state.msBeforeNext);
      limitedBy.login.inc();
      throw fail("TOO_MANY_REQUESTS", "Too many failed logins: wait before the next try", { retryAfter });
    }
    try {
      const result = await login();
      await failures.delete(key);
      return result;
    } catch (error) {
      if (isError(error, "UNAUTHENTICATED")) await failures.penalty(key);
      throw error;
    }
  };
}
