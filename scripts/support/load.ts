// Buyers: orders through every gateway in turn, each asked once more with its own key when it got no answer.
import { setTimeout as pause } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Order } from "../../core/contracts/order.ts";
import { reportOf, type LoadReport } from "./load-report.ts";

export interface LoadOptions {
  /** Of the gateways; asked anew for each order, so that they may come and go. */
  readonly urls: () => readonly string[];
  /** Asked anew for each order: tokens end. */
  readonly token: () => string;
  readonly skus: readonly string[];
  /** Of each order; 1 when left out. */
  readonly quantity?: number;
  readonly concurrency: number;
  /** As fast as it goes when left out. */
  readonly ratePerSecond?: number;
  /** With the same key, through the next gateway; 1 when left out. */
  readonly retries?: number;
  /** After this a request counts as hanging and is given up; 30 s when left out. */
  readonly giveUpMs?: number;
  /** Tells runs on one shop apart: begins each key. */
  readonly name: string;
}

/** One request and what came back. */
export interface Attempt {
  readonly url: string;
  /** Since the epoch, in ms. */
  readonly at: number;
  readonly ms: number;
  /** Null when there was no answer. */
  readonly status: number | null;
  /** Of the problem that was answered, or of the connection's error. */
  readonly code: string | null;
  readonly retryAfter: string | null;
  readonly order: Pick<Order, "id" | "status"> | null;
}

export interface Placed {
  readonly key: string;
  /** Names the wish, so that two orders for it are seen. */
  readonly email: string;
  readonly sku: string;
  readonly attempts: readonly Attempt[];
}

export interface Load {
  /** So far. */
  readonly placed: readonly Placed[];
  /** Lets those under way end. Repeating answers the same. */
  stop(): Promise<LoadReport>;
}

/** A client waits as long as it is told to, but not for ever. */
const LONGEST_WAIT_MS = 2_000;
const SHORTEST_WAIT_MS = 100;

const isAnswer = ({ status }: Attempt): boolean => status !== null && status < 500;

/** Runs until it is stopped. */
export function orderLoad(options: LoadOptions): Load {
  const agent = new Agent({ connections: options.concurrency, headersTimeout: 0, bodyTimeout: 0 });
  const placed: Placed[] = [];
  const begin = Date.now();
  const turn = paced(options.ratePerSecond, begin);
  let isOver = false;
  let count = 0;
  const buyer = async (): Promise<void> => {
    for (;;) {
      await turn();
      if (isOver) return;
      placed.push(await place(options, agent, count++));
    }
  };
  const buyers = Promise.all(Array.from({ length: options.concurrency }, buyer));
  const end = async (): Promise<LoadReport> => {
    isOver = true;
    await buyers;
    const seconds = (Date.now() - begin) / 1000;
    await agent.close();
    return reportOf(placed, seconds);
  };
  let ended: Promise<LoadReport> | null = null;
  return { placed, stop: () => (ended ??= end()) };
}

/** Resolves when the next order is due. */
function paced(ratePerSecond: number | undefined, begin: number): () => Promise<unknown> {
  if (ratePerSecond === undefined) return () => Promise.resolve();
  let due = begin;
  return () => {
    const wait = due - Date.now();
    // What was missed while nobody answered is not made up for.
    due = Math.max(due, Date.now()) + 1000 / ratePerSecond;
    return wait > 0 ? pause(wait) : Promise.resolve();
  };
}

async function place(options: LoadOptions, agent: Agent, number: number): Promise<Placed> {
  const key = `${options.name}-${String(number)}`;
  const email = `${key}@load.example`;
  const sku = options.skus[number % options.skus.length] ?? "";
  const body = JSON.stringify({
    ...{ email, currency: "GBP", payment: { method: "pm_card_visa" } },
    lines: [{ sku, quantity: options.quantity ?? 1 }],
  });
  const attempts: Attempt[] = [];
  for (let left = options.retries ?? 1; left >= 0; left -= 1) {
    const urls = options.urls();
    const attempt = await send(urls[(number + attempts.length) % urls.length], { key, body }, options, agent);
    attempts.push(attempt);
    if (isAnswer(attempt)) break;
    if (left > 0) await pause(waitAfter(attempt));
  }
  return { key, email, sku, attempts };
}

const waitAfter = ({ retryAfter }: Attempt): number =>
  Math.min(Math.max(Number(retryAfter ?? 0) * 1000, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);

async function send(
  url: string | undefined,
  { key, body }: { key: string; body: string },
  { token, giveUpMs = 30_000 }: LoadOptions,
  dispatcher: Agent,
): Promise<Attempt> {
  const [at, begin] = [Date.now(), performance.now()];
  const none = { status: null, retryAfter: null, order: null };
  const ended = <T>(rest: T) => ({ url: url ?? "", at, ms: performance.now() - begin, ...rest });
  if (url === undefined) return ended({ ...none, code: "NO_GATEWAY" });
  const headers = {
    ...{ authorization: `Bearer ${token()}`, "content-type": "application/json", "idempotency-key": key },
  };
  try {
    const signal = AbortSignal.timeout(giveUpMs);
    const answer = await request(`${url}/v1/orders`, { method: "POST", headers, body, dispatcher, signal });
    const said = (await answer.body.json()) as Partial<Order> & { code?: string };
    const retryAfter = answer.headers["retry-after"];
    return ended({
      status: answer.statusCode,
      code: said.code ?? null,
      retryAfter: typeof retryAfter === "string" ? retryAfter : null,
      order: said.id !== undefined && said.status !== undefined ? { id: said.id, status: said.status } : null,
    });
  } catch (error) {
    return ended({ ...none, code: nameOf(error) });
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
