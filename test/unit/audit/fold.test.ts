// What the audit makes of the events of the log.
import { describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import { emptyFold, fold, foldIdOf, seqOf, watching, type Fold } from "../../../services/audit/fold.domain.ts";

const event = (aggregate: string, subject: string, sequence: number, type: string, data: object = {}): CloudEvent => ({
  specversion: "1.0",
  id: `${aggregate}:${subject}:${String(sequence)}`,
  source: `/comptoir/${aggregate}`,
  type,
  subject,
  time: "2026-01-01T00:00:00.000Z",
  datacontenttype: "application/json",
  sequence,
  data: { ...data },
});
type Row = readonly [type: string, quantity: number, onHand: number, reserved: number, allocated: number];
const stock = (sequence: number, [type, quantity, onHand, reserved, allocated]: Row): CloudEvent =>
  event("stock", "A", sequence, `stock.${type}.v1`, { sku: "A", quantity, onHand, reserved, allocated });
const foldAll = (events: readonly CloudEvent[], from: Fold = emptyFold, mayBeginLate = false): Fold =>
  events.reduce((state, each) => fold(state, each, mayBeginLate), from);

const life: readonly Row[] = [
  ["received", 10, 10, 0, 0],
  ["reserved", 3, 10, 3, 0],
  ["reserved", 2, 10, 5, 0],
  ["low", 0, 10, 2, 3],
  ["committed", 3, 10, 2, 3],
  ["expired", 2, 10, 0, 3],
  ["sold", 1, 9, 0, 2],
  ["released", 2, 9, 0, 0],
  ["returned", 1, 10, 0, 0],
  ["adjusted", -4, 6, 0, 0],
];
const lived = life.map((row, index) => stock(index + 1, row));

describe("The numbers of an aggregate", () => {
  const order = (seq: number) => event("order", "42", seq, "order.placed.v1");

  it("are followed without a hole, and a repeat changes nothing", () => {
    const state = foldAll([order(1), order(2)]);
    expect([seqOf(state, "order:42"), state.holes, state.broken]).toEqual([2, [], null]);
    expect(fold(state, order(2), false)).toBe(state);
    expect(fold(state, order(1), false)).toBe(state);
  });

  it("that are missing are remembered until they come after all", () => {
    const state = foldAll([order(1), order(5)]);
    expect(state).toMatchObject({ holes: [{ aggregate: "order:42", from: 2, to: 4 }], broken: 1 });
    const partly = fold(state, order(3), false);
    expect(partly.holes.map(({ from, to }) => [from, to])).toEqual([
      [2, 2],
      [4, 4],
    ]);
    expect(foldAll([order(2), order(4)], partly)).toMatchObject({ holes: [], broken: null });
  });

  it("begin with 1, unless the log forgets", () => {
    expect(foldAll([order(7)]).holes).toHaveLength(1);
    expect(foldAll([order(7)], emptyFold, true).holes).toEqual([]);
    expect(foldAll([order(7), order(9)], emptyFold, true).holes).toHaveLength(1);
  });

  it("of an order, its payment and its invoices are in one fold, each by itself", () => {
    const events = [
      order(1),
      event("payment", "pay:42", 1, "payment.captured.v1", { orderId: "42" }),
      event("invoice", "inv:42", 1, "invoice.issued.v1", { orderId: "42" }),
    ];
    expect(new Set(events.map(foldIdOf))).toEqual(new Set(["order:42"]));
    expect(foldIdOf(event("invoice", "cn:1", 1, "creditnote.issued.v1", { orderId: null }))).toBe("invoice:cn:1");
    const state = foldAll(events);
    expect(state.seqs.map(({ aggregate }) => aggregate)).toEqual(["order:42", "payment:pay:42", "invoice:inv:42"]);
  });
});

describe("The counts of a stock item", () => {
  it("follow from each event, whatever happens to it", () => {
    const state = foldAll(lived);
    expect(state).toMatchObject({ counts: { onHand: 6, reserved: 0, allocated: 0 }, faults: [], broken: null });
  });

  it.each(life.map((row, index) => [row[0], index] as const).filter(([type]) => type !== "low"))(
    "are at fault when %s (event %i from 0) does not move them by its quantity",
    (_, index) => {
      const [type, quantity, onHand, ...rest] = life[index] ?? life[0] ?? ["", 0, 0, 0, 0];
      const wrong = stock(index + 1, [type, quantity, onHand + 1, ...rest] as Row);
      const state = foldAll([...lived.slice(0, index), wrong]);
      expect(state).toMatchObject({ faults: [{ seq: index + 1 }], broken: 1 });
    },
  );

  it("are not known across a hole, and followed again after it", () => {
    const state = foldAll([stock(1, ["received", 10, 10, 0, 0]), stock(4, ["reserved", 1, 99, 1, 0])]);
    expect(state.faults).toEqual([]);
    expect(foldAll([stock(5, ["reserved", 1, 99, 9, 0])], state).faults).toHaveLength(1);
  });

  it("at a number that was asked for are kept when the log comes there", () => {
    const asked = watching(foldAll(lived.slice(0, 2)), "stock:A", 5);
    const state = foldAll(lived.slice(2), asked);
    expect(state).toMatchObject({ watch: null, watched: { seq: 5, onHand: 10, reserved: 2, allocated: 3 } });
  });

  it("are given at once when the log is there already, and not at all when it is past", () => {
    const state = foldAll(lived);
    expect(watching(state, "stock:A", 10).watched).toEqual({ seq: 10, onHand: 6, reserved: 0, allocated: 0 });
    expect(watching(state, "stock:A", 9)).toBe(state);
  });
});
