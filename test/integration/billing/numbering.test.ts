// Invoice numbers have no gap, no double and no step back in time, whatever process ends in the middle.
import { describe, expect, it } from "@jest/globals";
import type { EventData } from "../../../core/contracts/index.ts";
import { lineAmounts, sumAmounts } from "../../../core/kernel/money.ts";
import type { InvoiceState } from "../../../services/billing/invoice.domain.ts";
import { write } from "../../../core/store/port.ts";
import { counterCollection, type Counter, type Flight } from "../../../services/billing/billing.schema.ts";
import { createBillingWorld, orderEvent, requestBy, service } from "../../support/billing.ts";
import { planFault, type FaultKind } from "../../support/fault-plan.ts";

type World = ReturnType<typeof createBillingWorld>;

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const lines = [
  {
    ...{ id: "1", sku: "A", name: "Thing", quantity: 2, unitPrice: gbp(100), taxRate: 2_000 },
    ...lineAmounts(gbp(100), 2, 2_000),
  },
];
const confirmed = (orderId: string): EventData<"order.confirmed.v1"> => ({
  ...{ orderId, number: orderId, customerId: "c1", email: null, currency: "GBP", lines },
  ...{ totals: sumAmounts(lines, "GBP"), placedAt: "2026-01-01T00:00:00.000Z" },
  payment: { id: `pay:${orderId}`, status: "CAPTURED" },
});
const confirm = (billing: World["calm"], orderIds: readonly string[]) =>
  billing.handlers["v1.billing.react"](
    { events: orderIds.map(id => orderEvent({ type: "order.confirmed.v1", data: confirmed(id) }, id, 1)) },
    requestBy(service),
  );

const stored = <S>(world: World, collection: string): S[] =>
  [...(world.storage.get(collection)?.documents.values() ?? [])].map(json => (JSON.parse(json) as { state: S }).state);

function checkNumbers(world: World, count: number): void {
  const invoices = stored<InvoiceState>(world, "invoices");
  const numbers = invoices.map(({ number }) => number).toSorted();
  expect(numbers).toEqual(
    Array.from({ length: count }, (_, index) => `INV-2026-${String(index + 1).padStart(6, "0")}`),
  );
  const times = invoices.toSorted((a, b) => (a.number < b.number ? -1 : 1)).map(({ issuedAt }) => issuedAt);
  expect(times.toSorted()).toEqual(times);
  expect(stored<Counter>(world, "numbering")).toMatchObject([{ last: count, inFlight: null }]);
  const told = world.eventsOf("invoices").map(({ data }) => data["number"]);
  expect(told.toSorted()).toEqual(numbers);
}

const [ours, theirs, later] = [
  ["1", "2", "3", "4"],
  ["3", "4", "5", "6"],
  ["7", "8"],
];

/** Two processes number overlapping orders at the same time; the fault is in one of them. */
async function race(kind: FaultKind, at: number | null, resumes: boolean): Promise<number> {
  const plan = planFault(kind, at);
  const world = createBillingWorld(plan);
  const process = plan.process();
  const faulty = world.start(process);
  const work = confirm(faulty, ours).catch(() => null);
  await world.clock.until(Promise.all([Promise.race([work, process.died]), confirm(world.start(), theirs)]));
  await world.clock.advance(5_000);
  await world.clock.until(confirm(world.start(), later));
  if (resumes) {
    process.resume();
    await world.clock.until(work);
  }
  // What no event brings again, the sweep finds; what was not even drafted comes with the redelivery.
  await world.settle();
  await world.clock.until(confirm(world.calm, ours));
  checkNumbers(world, 8);
  return plan.passed();
}

describe("Numbering", () => {
  it.each([
    ["fails", "throws", false],
    ["dies", "dies", false],
    ["freezes and wakes up later", "dies", true],
  ] as const)("leaves no gap wherever one of two processes %s", async (_, kind, resumes) => {
    const points = await race(kind, null, false);
    expect(points).toBeGreaterThan(10);
    for (let at = 0; at < points; at += 1) {
      await race(kind, at, resumes).catch((error: unknown) => {
        throw new Error(`${kind} at point ${String(at)} of ${String(points)}`, { cause: error });
      });
    }
  });

  it("leaves no gap when three processes number at random speeds", async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const world = createBillingWorld();
      const [first, second, third] = [1, 2, 3].map(each => world.startSlow(seed * 10 + each));
      if (first === undefined || second === undefined || third === undefined) throw new Error("Three were started");
      await world.clock.until(
        Promise.all([confirm(first, ours), confirm(second, theirs), confirm(third, [...later, "1", "5"])]),
      );
      checkNumbers(world, 8);
    }
  });

  it("is left to the process whose flight it is, while that one lives", async () => {
    const world = createBillingWorld();
    const writes = [0, 0];
    const [one, two] = writes.map((_, index) => {
      const slow = () => world.clock.sleep(10);
      const count = (operation: string, collection: string) => {
        if (operation === "write" && collection === "invoices") writes[index] = (writes[index] ?? 0) + 1;
        return slow();
      };
      return world.start({ point: slow, faults: { before: count } });
    });
    if (one === undefined || two === undefined) throw new Error("Two were started");
    await world.clock.until(Promise.all([confirm(one, ours), confirm(two, ["5", "6", "7", "8"])]));
    checkNumbers(world, 8);
    // The drafts in one write, and their numbers in one.
    expect(writes).toEqual([2, 2]);
  });

  it("is not done again by the sweep of another process", async () => {
    const world = createBillingWorld();
    const slow = () => world.clock.sleep(500);
    const numbering = confirm(world.start({ point: slow, faults: { before: slow } }), ours);
    await world.clock.advance(1_500);
    expect(stored<InvoiceState>(world, "invoices").map(({ status }) => status)).toEqual(Array(4).fill("DRAFT"));
    const counter = JSON.stringify(stored<Counter>(world, "numbering"));
    await world.clock.until(world.calm.sweep());
    expect(JSON.stringify(stored<Counter>(world, "numbering"))).toBe(counter);
    await world.clock.until(numbering);
    checkNumbers(world, 4);
  });

  it("gives many concurrent documents their numbers in few flights", async () => {
    const world = createBillingWorld();
    const ids = Array.from({ length: 500 }, (_, index) => String(index));
    await world.clock.until(confirm(world.calm, ids));
    checkNumbers(world, 500);
    const [json = ""] = world.storage.get("numbering")?.documents.values() ?? [];
    // Two writes per flight, of at most 200 documents each.
    expect((JSON.parse(json) as { version: number }).version).toBeLessThanOrEqual(10);
  });

  describe("that finds a flight over a document with another number", () => {
    const issuedAt = "2026-01-02T00:00:00.000Z";
    const flying = async (world: World, inFlight: Flight[]) => {
      await world.clock.until(confirm(world.calm, ["1"]));
      const counters = world.database.collection(counterCollection);
      const counter: Counter = { last: 1, lastIssuedAt: "2026-01-01T00:00:00.000Z", inFlight };
      await world.clock.until(counters.update("INV-2026", () => write(counter, [], null)));
    };

    it("gives the number of a flight of one to the next document", async () => {
      const world = createBillingWorld();
      await flying(world, [{ n: 2, invoiceId: "inv:1", issuedAt }]);
      await world.clock.until(confirm(world.calm, ["2"]));
      checkNumbers(world, 2);
    });

    it("refuses to go on with a longer one, which would leave a gap", async () => {
      const world = createBillingWorld();
      const inFlight = ["inv:1", "inv:2"].map((invoiceId, index) => ({ n: index + 2, invoiceId, issuedAt }));
      await flying(world, inFlight);
      const { outcomes } = await world.clock.until(confirm(world.calm, ["2"]));
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(["failed"]);
      expect(outcomes[0]?.error).toContain("another number");
      expect(stored<Counter>(world, "numbering")).toMatchObject([{ last: 1, inFlight }]);
    });
  });

  it("starts again at 1 in the next year", async () => {
    const world = createBillingWorld();
    await world.clock.until(confirm(world.calm, ["1"]));
    await world.clock.advance(366 * 24 * 3_600_000);
    await world.clock.until(confirm(world.calm, ["2"]));
    const numbers = stored<InvoiceState>(world, "invoices").map(({ number }) => number);
    expect(numbers).toEqual(["INV-2026-000001", "INV-2027-000001"]);
  });
});
