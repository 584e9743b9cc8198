// How far the log is delivered to the audit, per share of the log: what was published before a moment has arrived once each share
// is past where it ended then, or never will.
import type { Call } from "../../core/request.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { violation, type Violation } from "./violation.ts";

/** Longer than a consumer that died keeps its partitions. */
const LATE_MS = 45_000;

export interface Position {
  readonly committed: number;
  readonly end: number;
}
/** By the name of the share. */
export type Positions = ReadonlyMap<string, Position>;
/** Where each share ended at a moment. */
export type Mark = ReadonlyMap<string, number>;

export const markOf = (positions: Positions): Mark => new Map([...positions].map(([feed, { end }]) => [feed, end]));

export const isPast = (positions: Positions, mark: Mark): boolean =>
  [...positions].every(([feed, { committed }]) => committed >= (mark.get(feed) ?? 0));

export interface Progress {
  /** @throws while the bridge cannot say, or does not deliver to the audit */
  positions(): Promise<Positions>;
  /** That the log does not deliver to the audit for a while. */
  late(): Promise<Violation | null>;
}

interface Standing {
  readonly committed: number;
  readonly since: number;
}

/** The shares that have more to give than they gave, and since when none of it was taken. */
function standing(before: ReadonlyMap<string, Standing>, positions: Positions, now: number): Map<string, Standing> {
  const behind = [...positions].filter(([, { committed, end }]) => committed < end);
  return new Map(
    behind.map(([feed, { committed }]) => {
      const known = before.get(feed);
      return [feed, known?.committed === committed ? known : { committed, since: now }];
    }),
  );
}

const late = (actual: string): Violation =>
  violation({
    check: "events",
    severity: "warning",
    subject: "delivery:audit",
    detail: "The log delivers no events to the audit: what depends on them is not checked",
    expected: `within ${String(LATE_MS / 1000)} s`,
    actual,
  });

export function createProgress(call: Call, clock: Clock): Progress {
  let shares: ReadonlyMap<string, Standing> = new Map();
  let awaySince: number | null = null;

  async function positions(): Promise<Positions> {
    const { items } = await call("v1.bridge.lag", { subscriber: "audit" });
    if (items.length === 0) throw new Error("The bridge does not deliver to the audit");
    return new Map(items.map(({ feed, committed, end }) => [feed, { committed, end }]));
  }

  return {
    positions,
    async late() {
      const found = await positions().catch(() => null);
      const now = clock.now();
      if (found === null) {
        awaySince ??= now;
        return now - awaySince < LATE_MS ? null : late(`the bridge does not say, since ${timestamp(awaySince)}`);
      }
      awaySince = null;
      shares = standing(shares, found, now);
      const [first] = [...shares].filter(([, { since }]) => now - since >= LATE_MS);
      if (first === undefined) return null;
      const [feed, { committed, since }] = first;
      return late(`${feed} stands at ${String(committed)} since ${timestamp(since)}`);
    },
  };
}
