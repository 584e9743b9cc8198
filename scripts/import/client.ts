// The shop as its REST API: logs in, asks again with the same key until an answer is definite, and tells refusals from faults.
import { setTimeout as delay } from "node:timers/promises";
import pRetry from "p-retry";
import { Pool } from "undici";

export interface ShopOptions {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly connections: number;
  readonly signal: AbortSignal;
}

/** A definite no: nothing happened, and asking again would not change it. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}
export type Answer<T> =
  { readonly ok: true; readonly status: number; readonly body: T } | ({ readonly ok: false } & Refusal);

export interface Shop {
  /** `body` undefined is a GET. The type is the caller's promise; the contracts are in core/contracts. */
  ask<T>(path: string, body?: object, key?: string): Promise<Answer<T>>;
  close(): Promise<void>;
}

/** The shop cannot be reached, or not used with these credentials. The message is for the person at the terminal. */
export class ShopError extends Error {}

/** Worth asking again: a network fault, a restart, a full queue, a race. */
class Unsettled extends Error {
  readonly retryAfterMs: number;
  readonly status: number;
  constructor(message: string, status: number, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How long the shop may be away: until the first answer, and in the middle (time for a restart). */
const FIRST_PATIENCE_MS = 3_000;
const PATIENCE_MS = 60_000;
/** A request that fails inside the shop so often is refused by name, so that the others go on. */
const MOST_INTERNAL_ERRORS = 5;
/** The shop names its own waits; a longer one is cut, since asking early does no harm. */
const MOST_DELAY_MS = 10_000;
const RETRYABLE_CONFLICTS = ["CONFLICT", "IDEMPOTENCY_KEY_IN_FLIGHT"];
/** What the server may wait for an order's final state; its longest (Prefer: wait, RFC 7240). */
const PREFER = "wait=10";

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function refusalOf(status: number, body: unknown): Refusal {
  const { code, detail, errors = [] } = body as Problem;
  const fields = errors.map(({ pointer, message }) => `${pointer} ${message}`).join("; ");
  return { status, code: code ?? `HTTP_${String(status)}`, detail: [detail, fields].filter(Boolean).join(": ") };
}

export const reasonOf = ({ code, detail }: Refusal): string => `${code}: ${detail}`;

const isUnsettled = ({ status, code }: Refusal): boolean =>
  status >= 500 || status === 429 || status === 408 || RETRYABLE_CONFLICTS.includes(code);

/** One request, one answer; what is not definite is thrown. */
async function send(
  pool: Pool,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<Answer<unknown>> {
  const response = await pool.request({
    path,
    ...(body === undefined
      ? { method: "GET", headers }
      : {
          method: "POST",
          headers: { ...headers, "content-type": "application/json", prefer: PREFER },
          body: JSON.stringify(body),
        }),
  });
  const status = response.statusCode;
  const answer = parsed(await response.body.text());
  if (status < 300) return { ok: true, status, body: answer };
  const refusal = refusalOf(status, answer);
  if (!isUnsettled(refusal)) return { ok: false, ...refusal };
  const retryAfter = Number(response.headers["retry-after"] ?? 0);
  throw new Unsettled(reasonOf(refusal), status, retryAfter * 1000 || 0);
}

/** Asks until the answer is definite; a fault that lasts longer than the patience is a ShopError. */
async function settled(attempt: () => Promise<Answer<unknown>>, patience: number, signal: AbortSignal, what: string) {
  try {
    return await pRetry(attempt, {
      retries: Infinity,
      minTimeout: 100,
      maxTimeout: 3_000,
      maxRetryTime: patience,
      signal,
      onFailedAttempt: ({ error }) =>
        error instanceof Unsettled
          ? delay(Math.min(error.retryAfterMs, MOST_DELAY_MS), undefined, { signal })
          : undefined,
      shouldRetry: ({ error, attemptNumber }) =>
        !(error instanceof ShopError) &&
        !(error instanceof Unsettled && error.status === 500 && attemptNumber >= MOST_INTERNAL_ERRORS),
    });
  } catch (error) {
    if (signal.aborted || error instanceof ShopError) throw error;
    if (error instanceof Unsettled && error.status === 500) {
      return { ok: false as const, status: 500, code: "INTERNAL_ERROR", detail: error.message };
    }
    throw new ShopError(
      `${what} could not be reached (${describe(error)}): start the shop, or name another with --url`,
    );
  }
}

export async function openShop({ url, email, password, connections, signal }: ShopOptions): Promise<Shop> {
  const pool = new Pool(new URL(url).origin, { connections, headersTimeout: 30_000, bodyTimeout: 30_000 });

  async function login(patience: number): Promise<string> {
    const path = "/v1/auth/login";
    const answer = await settled(() => send(pool, path, {}, { email, password }), patience, signal, `${url}${path}`);
    if (!answer.ok) throw new ShopError(`${url} does not let ${email} in: ${reasonOf(answer)}`);
    return (answer.body as { accessToken: string }).accessToken;
  }

  let token = login(FIRST_PATIENCE_MS);

  async function authorized(path: string, body?: object, key?: string): Promise<Answer<unknown>> {
    const used = token;
    const bearer = await used;
    const keyed = key === undefined ? {} : { "idempotency-key": key };
    const answer = await send(pool, path, { authorization: `Bearer ${bearer}`, ...keyed }, body);
    if (answer.ok || answer.status !== 401) return answer;
    // Tokens end while a long import runs; whoever notices first logs in again for all.
    if (token === used) {
      token = login(PATIENCE_MS);
      // Who asks again learns of its failure; until then it must not count as unhandled.
      token.catch(() => undefined);
    }
    throw new Unsettled("the token has ended", 401);
  }

  await token.catch(async (error: unknown) => {
    await pool.destroy();
    throw error;
  });
  return {
    ask: <T>(path: string, body?: object, key?: string) =>
      settled(() => authorized(path, body, key), PATIENCE_MS, signal, `${url}${path}`) as Promise<Answer<T>>,
    close: () => pool.destroy(),
  };
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(", ");
  return error instanceof Error ? error.message || error.name : String(error);
}
