// What billing does with a provider that is late, or that would take the money again if asked again.
import { describe, expect, it } from "@jest/globals";
import type { PaymentProvider } from "../../../services/billing/provider.port.ts";
import { createBillingWorld, requestBy, service } from "../../support/billing.ts";

const asService = requestBy(service);
const amount = { amount: 1_000, currency: "GBP" };
const ask = { orderId: "42", amount, method: "pm_card_visa" };

/** Knows its keys when asked for them, but does not look at them when it takes money; loses each first answer. */
function forgetful(simulator: PaymentProvider): PaymentProvider {
  const answered = new Map<string, number>();
  const losing = async <T>(key: string, take: (key: string) => Promise<T>): Promise<T> => {
    const times = answered.get(key) ?? 0;
    answered.set(key, times + 1);
    const outcome = await take(times === 0 ? key : `${key}:${String(times)}`);
    if (times === 0) throw new Error("The answer was lost");
    return outcome;
  };
  return {
    find: key => simulator.find(key),
    void: asked => simulator.void(asked),
    authorize: asked => losing(asked.key, key => simulator.authorize({ ...asked, key })),
    capture: asked => losing(asked.key, key => simulator.capture({ ...asked, key })),
    refund: asked => losing(asked.key, key => simulator.refund({ ...asked, key })),
  };
}

describe("After a lost answer", () => {
  it("the provider is asked what it did before it is asked to do anything", async () => {
    const world = createBillingWorld();
    const { handlers, sweep } = world.startWith(forgetful);
    const insist = async <T>(act: () => Promise<T>): Promise<T> => world.clock.until(act().catch(act));
    await insist(() => handlers["v1.billing.authorize"](ask, asService));
    await insist(() => handlers["v1.billing.capture"]({ orderId: "42" }, asService));
    const refund = { id: "pay:42", amount: 400, reason: "broken" };
    const { resource } = await world.clock.until(handlers["v1.billing.refund"](refund, asService));
    expect(resource.refunds).toMatchObject([{ status: "PENDING" }]);
    await world.clock.advance(60_000);
    await world.clock.until(sweep());
    expect(await world.ledger("AUTHORIZATION")).toEqual([1_000]);
    expect(await world.ledger("CAPTURE")).toEqual([1_000]);
    expect(await world.ledger("REFUND")).toEqual([400]);
    const payment = await world.clock.until(handlers["v1.billing.payment"]({ id: "pay:42" }, asService));
    expect(payment).toMatchObject({ status: "PARTIALLY_REFUNDED", refunded: { amount: 400 } });
  });
});

describe("A void that overtakes a call which is still on its way to the provider", () => {
  /** Holds the named call back until it is let go. */
  function late(call: "authorize" | "capture") {
    const { promise: gate, resolve: letGo } = Promise.withResolvers<undefined>();
    const wrap = (simulator: PaymentProvider): PaymentProvider => ({
      find: key => simulator.find(key),
      void: asked => simulator.void(asked),
      refund: asked => simulator.refund(asked),
      authorize: async asked => {
        if (call === "authorize") await gate;
        return simulator.authorize(asked);
      },
      capture: async asked => {
        if (call === "capture") await gate;
        return simulator.capture(asked);
      },
    });
    return { wrap, letGo };
  }

  it.each(["authorize", "capture"] as const)("leaves no money behind: %s", async call => {
    const world = createBillingWorld();
    const { wrap, letGo } = late(call);
    const { handlers } = world.startWith(wrap);
    const authorized = handlers["v1.billing.authorize"](ask, asService);
    if (call === "capture") await world.clock.until(authorized);
    const slow = call === "capture" ? handlers["v1.billing.capture"]({ orderId: "42" }, asService) : authorized;
    const refused = expect(slow).rejects.toMatchObject({ type: "PAYMENT_VOIDED" });
    await world.clock.advance(1_000);
    await world.clock.until(world.calm.handlers["v1.billing.void"](ask, asService));
    await world.clock.until(world.calm.sweep());
    letGo(undefined);
    await world.clock.until(refused);
    await world.settle();
    expect(await world.ledger("VOID")).toHaveLength(1);
    expect(await world.ledger("CAPTURE")).toEqual([]);
    expect(await world.ledger("AUTHORIZATION")).toEqual(call === "capture" ? [1_000] : []);
  });
});
