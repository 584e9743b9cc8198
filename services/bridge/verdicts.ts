// What a subscriber's outcomes mean for the events of each aggregate. Pure.
import type { Outcome } from "../../core/contracts/reactions.ts";
import { aggregateOf } from "../../core/reactions.ts";
import type { LogEntry } from "./feed.ts";

export interface Verdict {
  readonly aggregate: string;
  readonly asked: readonly LogEntry[];
  readonly done: readonly LogEntry[];
  /** They wait behind a dead letter of their aggregate. */
  readonly parked: readonly LogEntry[];
  /** From the first that failed on. */
  readonly failed: readonly LogEntry[];
  readonly error: string;
  readonly transient: boolean;
}

/** A log may hold an event twice, so outcomes of one id are taken in turn; an event without one has failed. */
export function verdictsOf(asked: readonly LogEntry[], outcomes: readonly Outcome[]): Verdict[] {
  const byId = Map.groupBy(outcomes, ({ id }) => id);
  return [...Map.groupBy(asked, ({ event }) => aggregateOf(event))].map(([aggregate, entries]) => {
    const judged = entries.map(entry => ({ entry, outcome: byId.get(entry.event.id)?.shift() }));
    const broken = judged.findIndex(({ outcome }) => outcome === undefined || outcome.outcome === "failed");
    const through = broken === -1 ? judged : judged.slice(0, broken);
    const having = (kind: string) =>
      through.filter(({ outcome }) => outcome?.outcome === kind).map(({ entry }) => entry);
    return {
      aggregate,
      asked: entries,
      done: having("done"),
      parked: having("parked"),
      failed: broken === -1 ? [] : entries.slice(broken),
      error: judged[broken]?.outcome?.error ?? "the subscriber gave no outcome",
      transient: judged[broken]?.outcome?.transient === true,
    };
  });
}
