// What the log says of the aggregates that belong together: the last number of each, what is missing between, and the
// counts of a stock item after each event. Pure.
import type { CloudEvent } from "../../core/contracts/common.ts";
import { aggregateOf } from "../../core/reactions.ts";

export interface Counts {
  readonly onHand: number;
  readonly reserved: number;
  readonly allocated: number;
}
/** Numbers that never came although later ones did. */
export interface Hole {
  readonly aggregate: string;
  readonly from: number;
  readonly to: number;
}
/** An event whose counts do not follow from the ones before it. */
export interface Fault {
  readonly seq: number;
  readonly type: string;
  readonly quantity: number;
  readonly before: Counts;
  readonly after: Counts;
}
export interface At extends Counts {
  readonly seq: number;
}

export interface Fold {
  readonly seqs: readonly { readonly aggregate: string; readonly seq: number }[];
  readonly holes: readonly Hole[];
  /** Of a stock item, after its last event; null for others and where events are missing. */
  readonly counts: Counts | null;
  readonly faults: readonly Fault[];
  /** The counts at this number are asked for and will be in `watched`. */
  readonly watch: number | null;
  readonly watched: At | null;
  /** How many holes and faults it has; null instead of none, so that an index finds the others. */
  readonly broken: number | null;
}

export const emptyFold: Fold = {
  seqs: [],
  holes: [],
  counts: null,
  faults: [],
  watch: null,
  watched: null,
  broken: null,
};

/** Enough to see what happened; the numbers go on being followed. */
const KEPT = 10;

const zero: Counts = { onHand: 0, reserved: 0, allocated: 0 };

export const seqOf = (fold: Fold | null, aggregate: string): number =>
  fold?.seqs.find(each => each.aggregate === aggregate)?.seq ?? 0;

/** One fold for an order, its payment and its invoices: they come together, and one write keeps them all. */
export function foldIdOf(event: Pick<CloudEvent, "source" | "subject" | "data">): string {
  const aggregate = aggregateOf(event);
  if (aggregate.startsWith("order:")) return aggregate;
  const orderId = event.data["orderId"];
  const isOfOrder = aggregate.startsWith("payment:") || aggregate.startsWith("invoice:");
  return isOfOrder && typeof orderId === "string" ? `order:${orderId}` : aggregate;
}

const same = (a: Counts, b: Counts): boolean =>
  a.onHand === b.onHand && a.reserved === b.reserved && a.allocated === b.allocated;

/** By how much one unit of the event changes each count. What is released was either reserved or allocated. */
const moves: Readonly<Record<string, readonly Partial<Counts>[]>> = {
  "stock.received.v1": [{ onHand: 1 }],
  "stock.adjusted.v1": [{ onHand: 1 }],
  "stock.returned.v1": [{ onHand: 1 }],
  "stock.reserved.v1": [{ reserved: 1 }],
  "stock.committed.v1": [{ reserved: -1, allocated: 1 }],
  "stock.expired.v1": [{ reserved: -1 }],
  "stock.released.v1": [{ reserved: -1 }, { allocated: -1 }],
  "stock.sold.v1": [{ onHand: -1, allocated: -1 }],
};

const moved = (before: Counts, by: Partial<Counts>, quantity: number): Counts => ({
  onHand: before.onHand + (by.onHand ?? 0) * quantity,
  reserved: before.reserved + (by.reserved ?? 0) * quantity,
  allocated: before.allocated + (by.allocated ?? 0) * quantity,
});

/** `before` null: not known, so that the event is believed. */
function counted(before: Counts | null, { type, sequence: seq, data }: CloudEvent): { counts: Counts; fault?: Fault } {
  const { onHand, reserved, allocated, quantity } = data as unknown as Counts & { quantity: number };
  const after = { onHand, reserved, allocated };
  const allowed = moves[type] ?? [];
  if (before === null || allowed.some(by => same(moved(before, by, quantity), after))) return { counts: after };
  return { counts: after, fault: { seq, type, quantity, before, after } };
}

const withSeq = (fold: Fold, aggregate: string, seq: number): Fold["seqs"] => [
  ...fold.seqs.filter(each => each.aggregate !== aggregate),
  { aggregate, seq },
];

/** A number that was missing came after all. */
const filled = (holes: readonly Hole[], aggregate: string, seq: number): readonly Hole[] =>
  holes.flatMap(hole => {
    if (hole.aggregate !== aggregate || seq < hole.from || seq > hole.to) return [hole];
    const parts = [
      { ...hole, to: seq - 1 },
      { ...hole, from: seq + 1 },
    ];
    return parts.filter(({ from, to }) => from <= to);
  });

const tally = ({ holes, faults }: Fold): number | null => holes.length + faults.length || null;

/** The fold after one event; itself when the event brings nothing new. */
export function fold(before: Fold, event: CloudEvent, mayBeginLate: boolean): Fold {
  const aggregate = aggregateOf(event);
  const { sequence: seq } = event;
  const last = seqOf(before, aggregate);
  if (seq <= last) {
    const holes = filled(before.holes, aggregate, seq);
    if (holes.length === before.holes.length && holes.every((hole, index) => hole === before.holes[index]))
      return before;
    return { ...before, holes, broken: tally({ ...before, holes }) };
  }
  const isHole = seq > last + 1 && !(last === 0 && mayBeginLate);
  const isWhole = seq === last + 1;
  const holes = isHole ? [...before.holes, { aggregate, from: last + 1, to: seq - 1 }].slice(-KEPT) : before.holes;
  const next = { ...before, seqs: withSeq(before, aggregate, seq), holes };
  return withBroken(aggregate.startsWith("stock:") ? stocked(next, event, isWhole) : next);
}

const withBroken = (fold: Fold): Fold => ({ ...fold, broken: tally(fold) });

function stocked(fold: Fold, event: CloudEvent, isWhole: boolean): Fold {
  // A warning goes before the movement that it is about, and tells the counts after it.
  if (event.type === "stock.low.v1") return isWhole ? fold : { ...fold, counts: null };
  const { sequence: seq } = event;
  const known = seq === 1 ? zero : fold.counts;
  const { counts, fault } = counted(isWhole ? known : null, event);
  const faults = fault === undefined ? fold.faults : [...fold.faults, fault].slice(-KEPT);
  const reached = fold.watch !== null && seq >= fold.watch;
  const seen = reached && seq === fold.watch ? { ...counts, seq } : fold.watched;
  return { ...fold, counts, faults, watched: seen, watch: reached ? null : fold.watch };
}

/** Asks for the counts at that number: they are `watched` now or once the log has come there. Itself when it is past. */
export function watching(before: Fold, aggregate: string, seq: number): Fold {
  const last = seqOf(before, aggregate);
  if (last > seq || before.watch === seq || before.watched?.seq === seq) return before;
  if (last < seq) return { ...before, watch: seq };
  return before.counts === null ? before : { ...before, watched: { ...before.counts, seq }, watch: null };
}
