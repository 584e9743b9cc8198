// A client of the REST API for tests.
import { setTimeout as pause } from "node:timers/promises";

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Client {
  /** @throws when the answer is no 200 */
  get<T>(path: string): Promise<T>;
  /** As get; one that is refused for a while is asked again, as the shop says. */
  patiently<T>(path: string): Promise<T>;
  post<T>(path: string, body: object, key: string): Promise<Answer<T>>;
  /** Every page of a list, patiently. */
  all<T>(path: string): Promise<T[]>;
  /** Asks until the answer is right. @throws with the last answer after 60 s */
  until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T>;
}

/** Of who is patient. */
const REPEATS = 5;

export function client(url: string, token: string): Client {
  const authorization = `Bearer ${token}`;

  async function get<T>(path: string, repeats = 0): Promise<T> {
    const answer = await fetch(url + path, { headers: { authorization } });
    if (answer.ok) return (await answer.json()) as T;
    const text = await answer.text();
    const retryAfter = Number(answer.headers.get("retry-after") ?? 0);
    if (answer.status !== 503 || retryAfter === 0 || repeats === 0)
      throw new Error(`GET ${path}: ${String(answer.status)} ${text}`);
    await pause(retryAfter * 1_000);
    return get(path, repeats - 1);
  }

  async function post<T>(path: string, body: object, key: string): Promise<Answer<T>> {
    const headers = { authorization, "content-type": "application/json", "idempotency-key": key };
    const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
  }

  async function all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const after: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { items: T[]; nextCursor: string | null } = await get(
        `${path}${path.includes("?") ? "&" : "?"}limit=100${after}`,
        REPEATS,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
    const end = Date.now() + 60_000;
    for (;;) {
      const answer = await ask();
      if (isRight(answer)) return answer;
      if (Date.now() > end) throw new Error(`Still not right after 60 s: ${JSON.stringify(answer).slice(0, 2_000)}`);
      await pause(50);
    }
  }

  return { get: path => get(path), patiently: path => get(path, REPEATS), post, all, until };
}
