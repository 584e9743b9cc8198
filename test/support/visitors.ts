// Who comes to the shop beside those who order, whatever is broken: each answer is one that a client can act on, and in time.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { PATIENCE_MS } from "../../core/deadlines.ts";

const VISIT_EVERY_MS = 1_000;
/** Beyond it an answer counts as one that hangs. */
const LATEST_MS = PATIENCE_MS + 2_000;

interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Of what is sent. */
  readonly body?: object;
}

interface Answered extends Question {
  /** 0 when the connection failed. */
  readonly status: number;
  readonly retryAfter: string | null;
  readonly ms: number;
}

/** Null when it did not come, or not to its end. */
async function answerOf(asked: Promise<Response>): Promise<Response | null> {
  try {
    const answer = await asked;
    await answer.arrayBuffer();
    return answer;
  } catch {
    return null;
  }
}

/** Others beside those who order: they read, list and add customers, at each gateway, until they are told to stop. */
export function startVisitors(urls: readonly string[], token: string, sku: string) {
  const stopping = new AbortController();
  const answers: Answered[] = [];
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const keyed = () => ({ ...headers, "idempotency-key": randomUUID() });
  const visit = async (url: string, { method, path, body }: Question): Promise<void> => {
    while (!stopping.signal.aborted) {
      const begin = Date.now();
      const sent = body === undefined ? { headers } : { headers: keyed(), body: JSON.stringify(body) };
      const answer = await answerOf(fetch(url + path, { method, ...sent }));
      const [status, retryAfter] = [answer?.status ?? 0, answer?.headers.get("retry-after") ?? null];
      answers.push({ method, path, status, retryAfter, ms: Date.now() - begin });
      await pause(VISIT_EVERY_MS);
    }
  };
  const paths = ["/v1/orders?limit=5", `/v1/products/${sku}`, `/v1/inventory/${sku}`, "/v1/payments?limit=5"];
  const questions: readonly Question[] = [
    ...paths.map(path => ({ method: "GET" as const, path })),
    { method: "POST", path: "/v1/customers", body: { name: "Visitor" } },
  ];
  const ended = Promise.all(urls.flatMap(url => questions.map(question => visit(url, question))));
  return async (): Promise<readonly Answered[]> => {
    stopping.abort();
    await ended;
    return answers;
  };
}

export const isDone = ({ method, status }: Answered): boolean => status === (method === "GET" ? 200 : 201);
interface Sent {
  /** Null or 0 when the connection failed. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  readonly ms: number;
}

/** Whether it hung, or is no answer that a client can act on: neither done nor 503 with Retry-After. */
export const isWrong =
  <A extends Sent>(isDone: (answer: A) => boolean) =>
  (answer: A): boolean =>
    !(isDone(answer) || (answer.status === 503 && answer.retryAfter !== null)) || answer.ms > LATEST_MS;
