// The stock equation of one SKU: its counts, the sums over its reservations, and what its events add up to. Pure.
import type { StockFacts } from "../../core/contracts/audit.ts";
import { seqOf, type Counts, type Fold } from "./fold.domain.ts";
import { violation, type Violation } from "./violation.ts";

const shown = ({ onHand, reserved, allocated }: Counts): string =>
  `${String(onHand)} on hand, ${String(reserved)} reserved, ${String(allocated)} allocated`;

const same = (a: Counts, b: Counts): boolean => shown(a) === shown(b);

interface Mistake {
  readonly detail: string;
  readonly expected: string;
  readonly actual: string;
}

function equation({ onHand, reserved, allocated }: Counts): Mistake[] {
  const available = onHand - reserved - allocated;
  if (Math.min(onHand, reserved, allocated, available) >= 0) return [];
  const detail = "More is reserved and allocated than there is, or a count is negative";
  return [{ detail, expected: "all counts and available ≥ 0", actual: `available ${String(available)}` }];
}

function reservations({ reserved, allocated, held }: StockFacts): Mistake[] {
  if (reserved === held.reserved && allocated === held.allocated) return [];
  return [
    {
      detail: "The counts are not the sums over its live reservations",
      expected: `${String(held.reserved)} reserved, ${String(held.allocated)} allocated`,
      actual: `${String(reserved)} reserved, ${String(allocated)} allocated`,
    },
  ];
}

/** What the log says the item had at that number; null while that is not known. */
export function countsAt(fold: Fold | null, aggregate: string, seq: number): Counts | null {
  if (fold === null) return null;
  if (seqOf(fold, aggregate) === seq) return fold.counts;
  return fold.watched?.seq === seq ? fold.watched : null;
}

function events(facts: StockFacts, fold: Fold | null): Mistake[] {
  const [fault] = fold?.faults ?? [];
  if (fault !== undefined) {
    const { seq, type, quantity, before, after } = fault;
    return [
      {
        detail: `Event ${String(seq)} (${type} of ${String(quantity)}) does not follow from the one before`,
        expected: `a move of ${String(quantity)} from ${shown(before)}`,
        actual: shown(after),
      },
    ];
  }
  const counts = countsAt(fold, `stock:${facts.id}`, facts.seq);
  if (counts === null || same(counts, facts)) return [];
  const detail = `The counts are not what its ${String(facts.seq)} events add up to`;
  return [{ detail, expected: shown(counts), actual: shown(facts) }];
}

/** An item without events has nothing. */
const unmoved = (facts: StockFacts): Mistake[] =>
  facts.seq > 0 || same(facts, { onHand: 0, reserved: 0, allocated: 0 })
    ? []
    : [{ detail: "It has stock, but never had an event", expected: "nothing on hand", actual: shown(facts) }];

/** Everything that is wrong with one item, as one violation: they mostly have one cause. */
export function judgeStock(facts: StockFacts, fold: Fold | null): Violation | null {
  const mistakes = [...equation(facts), ...reservations(facts), ...events(facts, fold), ...unmoved(facts)];
  if (mistakes.length === 0) return null;
  return violation({
    check: "stock",
    subject: `stock:${facts.id}`,
    detail: mistakes.map(({ detail }) => detail).join("; "),
    expected: mistakes.map(({ expected }) => expected).join("; "),
    actual: mistakes.map(({ actual }) => actual).join("; "),
  });
}
