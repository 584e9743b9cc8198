// The REST API as a proper client uses it: one name per endpoint, and a refusal is repeated once, when it was told to.
import { sleep } from "k6";
import http, { type RefinedResponse } from "k6/http";
import type { Settings } from "./settings.ts";

export type Answer = RefinedResponse<"text">;

export interface Session {
  readonly token: string;
  /** In ms since the epoch. */
  readonly expiresAt: number;
  /** In ms, from the login on. */
  readonly lifeMs: number;
}

/** Refusals are answers here: the scripts count them on their own. */
const expected = [{ min: 200, max: 399 }, 429, 503];
http.setResponseCallback(http.expectedStatuses(...expected));

const json = { "Content-Type": "application/json" };
/** Each virtual user renews its token at another share of its life: all begin with the one of setup(). */
const SHARE_OF_LIFE = 0.5 + 0.4 * Math.random();
/** The shop hashes few passwords at once. */
const LOGIN_REPEATS = 10;

function sessionIn({ body }: Answer): Session {
  const { accessToken, expiresIn } = JSON.parse(body) as { accessToken: string; expiresIn: number };
  const lifeMs = expiresIn * 1000;
  return { token: accessToken, expiresAt: Date.now() + lifeMs, lifeMs };
}

export function login({ url, credentials }: Settings): Session {
  for (let left = LOGIN_REPEATS; ; left -= 1) {
    const answer = http.post(`${url}/v1/auth/login`, JSON.stringify(credentials), {
      headers: json,
      tags: { name: "POST /v1/auth/login" },
      responseType: "text",
    });
    if (answer.status === 200) return sessionIn(answer);
    if (left === 0 || !isWorthRepeating(answer)) {
      const why = answer.status === 0 ? answer.error : `${String(answer.status)} ${answer.body}`;
      throw new Error(`${url} does not let ${credentials.email} in: ${why}`);
    }
    sleep(waitOf(answer));
  }
}

/** Of a fault as well: then the header is missing and a second is as good as any. */
const waitOf = ({ headers }: Answer): number => Math.min(Math.max(Number(headers["Retry-After"] ?? 1), 0.1), 10);

export const isRefusal = ({ status }: Answer): boolean => status === 429 || status === 503;
const isWorthRepeating = (answer: Answer): boolean => isRefusal(answer) || answer.status === 0 || answer.status >= 500;

export interface Asking {
  /** The endpoint with its parameters' names: one series each, however many objects there are. */
  readonly name: string;
  /** Makes the repeat of a command harmless. */
  readonly key?: string;
  /** How often it is asked again; once when left out. */
  readonly repeats?: number;
  /** Another status that is no failure. */
  readonly orElse?: number;
}

export class Client {
  readonly #settings: Settings;
  #session: Session;

  /** @param session the one that setup() opened, for all virtual users. */
  constructor(settings: Settings, session: Session) {
    this.#settings = settings;
    this.#session = session;
  }

  get(path: string, asking: Asking): Answer {
    return this.#ask("GET", path, null, asking);
  }

  post(path: string, body: object, asking: Asking): Answer {
    return this.#ask("POST", path, JSON.stringify(body), asking);
  }

  /** @throws when the answer is no 200: for setup() and teardown(), where nothing may be missing. */
  read(path: string, name: string): unknown {
    const answer = this.get(path, { name, repeats: 10 });
    if (answer.status !== 200) throw new Error(`GET ${path}: ${String(answer.status)} ${answer.error || answer.body}`);
    return JSON.parse(answer.body) as unknown;
  }

  /** Every item of a list. */
  *all<T>(path: string, name: string): Generator<T> {
    const begin = `${path}${path.includes("?") ? "&" : "?"}limit=100`;
    for (let cursor: string | null = ""; cursor !== null;) {
      const after: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = this.read(begin + after, name) as { items: T[]; nextCursor: string | null };
      yield* page.items;
      cursor = page.nextCursor;
    }
  }

  #ask(method: "GET" | "POST", path: string, body: string | null, asking: Asking): Answer {
    const { name, key, repeats = 1, orElse } = asking;
    for (let left = repeats; ; left -= 1) {
      const answer = http.request(method, this.#settings.url + path, body, {
        headers: {
          ...(body === null ? {} : json),
          ...(key === undefined ? {} : { "Idempotency-Key": key }),
          Authorization: `Bearer ${this.#token()}`,
        },
        tags: { name: `${method} ${name}` },
        responseType: "text",
        ...(orElse === undefined ? {} : { responseCallback: http.expectedStatuses(...expected, orElse) }),
      });
      if (left === 0 || !isWorthRepeating(answer)) return answer;
      sleep(waitOf(answer));
    }
  }

  #token(): string {
    const { expiresAt, lifeMs } = this.#session;
    if (Date.now() > expiresAt - lifeMs * (1 - SHARE_OF_LIFE)) this.#session = login(this.#settings);
    return this.#session.token;
  }
}
