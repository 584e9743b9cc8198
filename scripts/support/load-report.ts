// What became of the orders of a load.
import type { Attempt, Placed } from "./load.ts";

export interface LoadReport {
  readonly sent: number;
  /** Answered with an order, whatever became of it then. */
  readonly accepted: number;
  /** Answered with a refusal: a 4xx. */
  readonly refused: number;
  /** Without an answer after the retries, or answered with a 5xx. */
  readonly failed: number;
  /** Asked more than once. */
  readonly retried: number;
  /** Of an order's last answer, in ms. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of all requests: how often each status, or each error of a connection, came back. */
  readonly answers: Readonly<Record<string, number>>;
  readonly slowest: Attempt | null;
  readonly seconds: number;
  readonly perSecond: number;
  /** The accepted orders' ids by key. @see Placed */
  readonly orders: ReadonlyMap<string, string>;
  readonly placed: readonly Placed[];
}

const lastOf = ({ attempts }: Placed): Attempt | undefined => attempts.at(-1);

export const isAccepted = (placed: Placed): boolean =>
  placed.attempts.some(({ status, order }) => (status === 200 || status === 201 || status === 202) && order !== null);

const isRefused = (placed: Placed): boolean => {
  const status = lastOf(placed)?.status ?? null;
  return status !== null && status >= 400 && status < 500;
};

/** @param seconds how long the load ran. */
export function reportOf(placed: readonly Placed[], seconds: number): LoadReport {
  const accepted = placed.filter(isAccepted);
  const refused = placed.filter(each => !isAccepted(each) && isRefused(each));
  const attempts = placed.flatMap(each => each.attempts);
  const times = placed.map(each => lastOf(each)?.ms ?? 0).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const slowest = attempts.reduce<Attempt | null>((most, each) => (each.ms > (most?.ms ?? -1) ? each : most), null);
  return {
    sent: placed.length,
    accepted: accepted.length,
    refused: refused.length,
    failed: placed.length - accepted.length - refused.length,
    retried: placed.filter(each => each.attempts.length > 1).length,
    latency: { p50: at(0.5), p99: at(0.99), max: at(1) },
    answers: countsOf(attempts.map(({ status, code }) => (status === null ? (code ?? "?") : String(status)))),
    slowest,
    seconds,
    perSecond: accepted.length / seconds,
    orders: new Map(accepted.flatMap(each => idsOf(each).map(id => [each.key, id] as const))),
    placed,
  };
}

/** More than one would be two orders for one key. */
export const idsOf = ({ attempts }: Placed): string[] => [
  ...new Set(attempts.flatMap(({ order }) => (order === null ? [] : [order.id]))),
];

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
