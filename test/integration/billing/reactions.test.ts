// What billing does because of an order's events, each delivered at least once.
import { describe, expect, it } from "@jest/globals";
import type { Invoice } from "../../../core/contracts/billing.ts";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { DomainEvent } from "../../../core/contracts/index.ts";
import type { OrderLine } from "../../../core/contracts/order.ts";
import { lineAmounts, sumAmounts } from "../../../core/kernel/money.ts";
import { admin, createBillingWorld, orderEvent, requestBy, service } from "../../support/billing.ts";
import { planFault, type FaultKind } from "../../support/fault-plan.ts";

type World = ReturnType<typeof createBillingWorld>;
const at = "2026-01-01T00:00:00.000Z";
const gbp = (amount: number) => ({ amount, currency: "GBP" });
const line = (id: string, quantity: number, price: number): OrderLine => ({
  ...{ id, sku: `S${id}`, name: `Thing ${id}`, quantity, unitPrice: gbp(price), taxRate: 2_000 },
  ...lineAmounts(gbp(price), quantity, 2_000),
});
const sold = [line("1", 3, 333), line("2", 1, 50)];
const totals = sumAmounts(sold, "GBP");
const whose = { orderId: "42", number: "42", customerId: "c1", email: "a@example.org", currency: "GBP" };

const confirmed = (payment: "CAPTURED" | null = "CAPTURED", lines = sold): DomainEvent => ({
  type: "order.confirmed.v1",
  data: {
    ...{ ...whose, lines, totals: sumAmounts(lines, "GBP"), placedAt: at },
    payment: payment === null ? null : { id: "pay:42", status: payment },
  },
});
const cancelled: DomainEvent = { type: "order.cancelled.v1", data: { ...whose, reason: "changed my mind", lines: [] } };
const returned = (id: string, credit: OrderLine[]): DomainEvent => ({
  type: "order.returned.v1",
  data: {
    ...whose,
    credit,
    return: {
      ...{ id, lines: [], reason: "broken", restock: true, number: "C42", returnedAt: "2010-12-01T08:26:00Z" },
      recordedAt: at,
    },
  },
});

/** Delivers as the bridge does: in order, and again until each is done. */
const deliver = (world: World, events: readonly DomainEvent[]) =>
  world.insist(async billing => {
    const batch: CloudEvent[] = events.map((event, index) => orderEvent(event, "42", index + 1));
    const { outcomes } = await billing.handlers["v1.billing.react"]({ events: batch }, requestBy(service));
    const open = outcomes.find(({ outcome }) => outcome !== "done");
    if (open !== undefined) throw new Error(open.error);
  });
async function pay(world: World): Promise<void> {
  const ask = { orderId: "42", customerId: "c1", amount: totals.gross, method: "pm_card_visa" };
  await world.clock.until(world.calm.handlers["v1.billing.authorize"](ask, requestBy(service)));
  await world.clock.until(world.calm.handlers["v1.billing.capture"]({ orderId: "42" }, requestBy(service)));
}
const issuedOf = async (world: World): Promise<Invoice[]> => {
  const listed = world.calm.handlers["v1.billing.invoices"]({ orderId: "42" }, requestBy(service));
  return (await world.clock.until(listed)).items.toSorted((a, b) => (a.type > b.type ? -1 : 1));
};
const paymentOf = (world: World) =>
  world.clock.until(world.calm.handlers["v1.billing.payment"]({ id: "pay:42" }, requestBy(service)));

describe("A confirmed order", () => {
  it("gets its invoice once, with the order's lines and totals, PAID because the payment was captured", async () => {
    const world = createBillingWorld();
    await deliver(world, [confirmed()]);
    await deliver(world, [confirmed()]);
    expect(await issuedOf(world)).toMatchObject([
      {
        ...{ id: "inv:42", number: "INV-2026-000001", type: "INVOICE", status: "PAID", customerId: "c1", totals },
        lines: [
          { sku: "S1", description: "Thing 1", quantity: 3, net: gbp(999), tax: gbp(200), gross: gbp(1_199) },
          {},
        ],
      },
    ]);
    expect(world.eventsOf("invoices").map(({ type }) => type)).toEqual(["invoice.issued.v1"]);
  });

  it("gets an invoice though nothing had to be paid, and its cancellation asks no payment", async () => {
    const world = createBillingWorld();
    await deliver(world, [confirmed(null, [line("1", 1, 0)]), cancelled]);
    expect((await issuedOf(world)).map(({ type, status }) => [type, status])).toEqual([
      ["INVOICE", "PAID"],
      ["CREDIT_NOTE", "PAID"],
    ]);
  });
});

interface Story {
  readonly name: string;
  readonly events: readonly DomainEvent[];
  /** Gross of each credit note, in the order of their numbers. */
  readonly credits: readonly number[];
}
const stories: readonly Story[] = [
  { name: "cancelled", events: [confirmed(), cancelled], credits: [totals.gross.amount] },
  {
    name: "returned in parts",
    events: [confirmed(), returned("r1", [line("1", 1, 333)]), returned("r2", [line("1", 1, 333), line("2", 1, 50)])],
    credits: [400, 460],
  },
  {
    name: "returned more than once for the same goods",
    events: [confirmed(), returned("r1", [line("1", 3, 333)]), returned("r2", [line("1", 2, 333)])],
    credits: [1_199],
  },
];

async function run({ events, credits }: Story, kind: FaultKind, point: number | null): Promise<number> {
  const plan = planFault(kind, point);
  const world = createBillingWorld(plan);
  await pay(world);
  await deliver(world, events);
  await deliver(world, events);
  await world.settle();
  const [invoice, ...notes] = await issuedOf(world);
  expect(invoice?.number).toBe("INV-2026-000001");
  expect(notes.map(({ number }) => number).toSorted()).toEqual(
    credits.map((_, index) => `CN-2026-${String(index + 1).padStart(6, "0")}`),
  );
  expect(notes.map(({ totals }) => totals.gross.amount).toSorted((a, b) => a - b)).toEqual(credits);
  expect(notes.every(({ references }) => references === "inv:42")).toBe(true);
  const { refunded } = await paymentOf(world);
  const refunds = await world.ledger("REFUND");
  expect(refunds.reduce((sum, amount) => sum + amount, 0)).toBe(refunded.amount);
  expect(refunded.amount).toBeGreaterThanOrEqual(credits.reduce((sum, amount) => sum + amount, 0));
  expect(refunded.amount).toBeLessThanOrEqual(totals.gross.amount);
  return plan.passed();
}

describe.each(stories)("An order that was $name", story => {
  it.each(["throws", "dies"] as const)("is refunded and credited once wherever a process %s", async kind => {
    const points = await run(story, kind, null);
    for (let point = 0; point < points; point += 1) {
      await run(story, kind, point).catch((error: unknown) => {
        throw new Error(`${kind} at point ${String(point)} of ${String(points)}`, { cause: error });
      });
    }
  });
});

describe("A returned order", () => {
  it("keeps the number and date of an imported return beside our own", async () => {
    const world = createBillingWorld();
    await pay(world);
    await deliver(world, [confirmed(), returned("r1", [line("2", 1, 50)])]);
    const [, note] = await issuedOf(world);
    expect(note).toMatchObject({
      ...{ number: "CN-2026-000001", externalNumber: "C42", externalIssuedAt: "2010-12-01T08:26:00Z" },
      ...{ reason: "broken", totals: { gross: gbp(60) } },
    });
    const [told] = world.eventsOf("invoices").filter(({ type }) => type === "creditnote.issued.v1");
    expect(told?.data["restock"]).toBe(false);
  });

  it("is refunded only by what is left after refunds by hand", async () => {
    const world = createBillingWorld();
    await pay(world);
    const byHand = { id: "pay:42", amount: totals.gross.amount - 10, reason: "goodwill" };
    await world.clock.until(world.calm.handlers["v1.billing.refund"](byHand, requestBy(admin, "k1")));
    await deliver(world, [confirmed(), returned("r1", [line("2", 1, 50)])]);
    expect((await paymentOf(world)).refunds.map(({ amount }) => amount.amount)).toEqual([totals.gross.amount - 10, 10]);
  });
});
