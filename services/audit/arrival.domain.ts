// Whether the events of a document have come to the log: all that left the outbox, each number once, none beyond. Pure.
import { seqOf, type Fold } from "./fold.domain.ts";
import { violation, type Violation } from "./violation.ts";

export interface Sent {
  /** The number of its last event. */
  readonly seq: number;
  /** So many of the last wait in the outbox; null: not looked at. */
  readonly pending: number | null;
}

const say = (aggregate: string, detail: string, expected: string, actual: string): Violation =>
  violation({ check: "events", subject: aggregate, detail, expected, actual });

const range = (from: number, to: number): string =>
  from === to ? `event ${String(from)}` : `events ${String(from)} to ${String(to)}`;

/** `until`: what has to have come by now; null at the first look, which then says what to wait for. */
export function judgeArrival(
  aggregate: string,
  { seq, pending }: Sent,
  fold: Fold | null,
  until: number | null,
): Violation | null {
  const hole = fold?.holes.find(each => each.aggregate === aggregate);
  if (hole !== undefined) {
    const missing = range(hole.from, hole.to);
    return say(aggregate, `The log has no ${missing}, but later ones`, "1 to the last without a gap", `no ${missing}`);
  }
  const arrived = seqOf(fold, aggregate);
  if (arrived > seq)
    return say(
      aggregate,
      "The log has events that the document knows nothing of: it was put back",
      `at most ${String(seq)}`,
      String(arrived),
    );
  const wanted = Math.min(until ?? seq, seq - (pending ?? 0));
  if (arrived >= wanted) return null;
  const found = say(
    aggregate,
    `The document has made ${range(arrived + 1, wanted)}, which neither waits in the outbox nor came to the log`,
    String(wanted),
    String(arrived),
  );
  return { ...found, until: wanted };
}
