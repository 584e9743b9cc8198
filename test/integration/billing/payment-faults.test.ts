// Never charged twice, never kept what was voided: at every place to die, and at every answer that may get lost.
import { describe, expect, it } from "@jest/globals";
import type { Payment } from "../../../core/contracts/billing.ts";
import { admin, createBillingWorld, requestBy, service } from "../../support/billing.ts";
import { planFault, type FaultKind } from "../../support/fault-plan.ts";

type World = ReturnType<typeof createBillingWorld>;
type Billing = World["calm"];

const amount = { amount: 1_000, currency: "GBP" };
const asService = requestBy(service);
const ask = (method: string) => ({ orderId: "42", customerId: "c1", amount, method });
const authorize = (method: string) => (billing: Billing) =>
  billing.handlers["v1.billing.authorize"](ask(method), asService);
const capture = (billing: Billing) => billing.handlers["v1.billing.capture"]({ orderId: "42" }, asService);
const voiding = (method: string) => (billing: Billing) => billing.handlers["v1.billing.void"](ask(method), asService);
const refund = (key: string, part: number) => (billing: Billing) =>
  billing.handlers["v1.billing.refund"]({ id: "pay:42", amount: part, reason: "broken" }, requestBy(admin, key));
const paymentOf = (world: World): Promise<Payment> =>
  world.clock.until(world.calm.handlers["v1.billing.payment"]({ id: "pay:42" }, asService));

interface Story {
  readonly name: string;
  readonly methods: readonly string[];
  readonly tell: (world: World, method: string) => Promise<void>;
  readonly check: (world: World, payment: Payment) => Promise<void>;
}

async function ledgerOf(world: World) {
  const [holds, captures, refunds] = [
    await world.ledger("AUTHORIZATION"),
    await world.ledger("CAPTURE"),
    await world.ledger("REFUND"),
  ];
  return { holds, captures, refunds, voids: (await world.ledger("VOID")).length };
}

const stories: readonly Story[] = [
  {
    name: "authorised and captured",
    methods: ["pm_card_visa", "pm_sim_unknown", "pm_sim_slow"],
    tell: async (world, method) => {
      await world.insist(authorize(method));
      await world.insist(capture);
    },
    check: async (world, payment) => {
      expect(await ledgerOf(world)).toEqual({ holds: [1_000], captures: [1_000], refunds: [], voids: 0 });
      expect(payment).toMatchObject({ status: "CAPTURED", captured: amount });
      expect(world.eventsOf("payments").map(({ type }) => type)).toEqual(["payment.captured.v1"]);
    },
  },
  {
    name: "authorised, then voided while nobody knows whether the capture was made",
    methods: ["pm_card_visa", "pm_sim_unknown"],
    tell: async (world, method) => {
      await world.insist(authorize(method));
      await world.insist(billing => capture(billing).catch(() => null));
      await world.insist(voiding(method));
      await world.insist(billing => billing.sweep());
    },
    check: async (world, payment) => {
      const { holds, captures, refunds, voids } = await ledgerOf(world);
      expect(holds).toEqual([1_000]);
      expect(captures.length + voids).toBe(1);
      expect(refunds).toEqual(captures);
      expect(["VOIDED", "REFUNDED"]).toContain(payment.status);
      expect(payment.refunded).toEqual(payment.captured);
    },
  },
  {
    name: "voided while nobody knows whether the authorisation was made",
    methods: ["pm_card_visa", "pm_sim_unknown", "pm_sim_down"],
    tell: async (world, method) => {
      await world.insist(billing => authorize(method)(billing).catch(() => null));
      await world.insist(voiding(method));
      await world.insist(billing => billing.sweep());
      await world.insist(authorize(method));
    },
    check: async (world, payment) => {
      const { holds, captures, refunds, voids } = await ledgerOf(world);
      expect({ captures, refunds }).toEqual({ captures: [], refunds: [] });
      expect(voids).toBeGreaterThanOrEqual(holds.length);
      expect(payment.status).toBe("VOIDED");
    },
  },
  {
    name: "refunded in two parts",
    methods: ["pm_card_visa", "pm_sim_unknown"],
    tell: async (world, method) => {
      await world.insist(authorize(method));
      await world.insist(capture);
      await world.insist(refund("first", 300));
      await world.insist(refund("second", 700));
      expect(await world.insist(refund("third", 1))).toMatchObject({ type: "REFUND_EXCEEDS_CAPTURE" });
    },
    check: async (world, payment) => {
      const { captures, refunds } = await ledgerOf(world);
      expect(captures).toEqual([1_000]);
      expect(refunds.toSorted((a, b) => a - b)).toEqual([300, 700]);
      expect(payment).toMatchObject({ status: "REFUNDED", refunded: amount });
      const told = world.eventsOf("payments").filter(({ type }) => type === "payment.refunded.v1");
      expect(told).toHaveLength(2);
    },
  },
  {
    name: "refused at the capture: the authorisation is released",
    methods: ["pm_sim_captureFails"],
    tell: async (world, method) => {
      await world.insist(authorize(method));
      expect(await world.insist(capture)).toMatchObject({ type: "PAYMENT_DECLINED" });
    },
    check: async (world, payment) => {
      expect(await ledgerOf(world)).toEqual({ holds: [1_000], captures: [], refunds: [], voids: 1 });
      expect(payment).toMatchObject({ status: "FAILED", declineCode: "capture_failed" });
    },
  },
];

async function run({ tell, check }: Story, method: string, kind: FaultKind, at: number | null): Promise<number> {
  const plan = planFault(kind, at);
  const world = createBillingWorld(plan);
  await tell(world, method);
  await world.settle();
  await check(world, await paymentOf(world));
  return plan.passed();
}

const cases = stories.flatMap(story => story.methods.map(method => ({ story, method, name: story.name })));

describe.each(cases)("A payment with $method, $name", ({ story, method }) => {
  it.each(["throws", "dies"] as const)("has the same end wherever a process %s", async kind => {
    const points = await run(story, method, kind, null);
    expect(points).toBeGreaterThan(10);
    for (let at = 0; at < points; at += 1) {
      await run(story, method, kind, at).catch((error: unknown) => {
        throw new Error(`${kind} at point ${String(at)} of ${String(points)}`, { cause: error });
      });
    }
  });
});
