// What a client may ask of billing, and what it is told.
import { beforeEach, describe, expect, it } from "@jest/globals";
import { fail } from "../../../core/errors.ts";
import type { Call, Principal, Request } from "../../../core/request.ts";
import { admin, createBillingWorld, requestBy, service } from "../../support/billing.ts";

let world: ReturnType<typeof createBillingWorld>;
beforeEach(() => {
  world = createBillingWorld();
});

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const customer = (customerId: string): Principal => ({ kind: "user", id: "u", scopes: ["billing:read"], customerId });
const clerk: Principal = { kind: "user", id: "clerk", scopes: ["billing:read", "billing:write"], customerId: null };
/** Customers except nobody, and one product, TEA. */
const others = ((action: string, { id }: { id: string }) => {
  if (action === "v1.product.price") return Promise.resolve({ products: [{ sku: "TEA" }] });
  if (id === "nobody") return Promise.reject(fail("UNKNOWN_CUSTOMER", "There is no customer nobody"));
  return Promise.resolve({ id, name: "N", email: `${id}@example.org` });
}) as unknown as Call;

const handlers = () => world.calm.handlers;
const until = <T>(promise: Promise<T>): Promise<T> => world.clock.until(promise);
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  until(
    promise.then(
      () => "done",
      (error: unknown) => (error as { type?: string }).type ?? error,
    ),
  );

async function pay(orderId: string, customerId: string | null, method = "pm_card_visa"): Promise<void> {
  const ask = { orderId, customerId, amount: gbp(1_000), method };
  await until(handlers()["v1.billing.authorize"](ask, requestBy(service)));
  await until(handlers()["v1.billing.capture"]({ orderId }, requestBy(service)));
}
const refund = (rest: { amount?: number | ReturnType<typeof gbp> }, request: Request) =>
  handlers()["v1.billing.refund"]({ id: "pay:1", reason: "broken", ...rest }, request);

const postage = { description: "Postage", quantity: 3, unitPrice: gbp(115), taxRate: 2_000 };
const goodwill = { currency: "GBP", lines: [postage], reason: "goodwill", restock: false };
const credit = (rest: object, key: string, principal: Principal = admin) =>
  handlers()["v1.billing.credit"]({ ...goodwill, ...rest }, requestBy(principal, key, { call: others }));

describe("Payments", () => {
  it.each([
    ["pm_card_visa", "done"],
    ["pm_sim_slow", "done"],
    ["pm_card_chargeDeclined", "PAYMENT_DECLINED"],
    ["pm_card_chargeDeclinedInsufficientFunds", "PAYMENT_DECLINED"],
    ["pm_nonsense", "PAYMENT_DECLINED"],
    ["toString", "PAYMENT_DECLINED"],
    ["pm_sim_captureFails", "done"],
    ["pm_sim_unknown", "SERVICE_UNAVAILABLE"],
    ["pm_sim_down", "SERVICE_UNAVAILABLE"],
  ])("authorise %s: %s", async (method, code) => {
    const ask = { orderId: "1", amount: gbp(1_000), method };
    expect(await codeOf(handlers()["v1.billing.authorize"](ask, requestBy(service)))).toBe(code);
  });

  it("name the decline code", async () => {
    const ask = { orderId: "1", amount: gbp(1_000), method: "pm_nonsense" };
    const asked = handlers()["v1.billing.authorize"](ask, requestBy(service));
    await expect(until(asked)).rejects.toMatchObject({ data: { declineCode: "unknown_payment_method" } });
  });

  it("know the outcome of an answer that was lost when they are asked again", async () => {
    const ask = { orderId: "1", amount: gbp(1_000), method: "pm_sim_unknown" };
    await codeOf(handlers()["v1.billing.authorize"](ask, requestBy(service)));
    const again = await until(handlers()["v1.billing.authorize"](ask, requestBy(service)));
    expect(again.status).toBe("AUTHORIZED");
    expect(await world.ledger("AUTHORIZATION")).toEqual([1_000]);
  });

  it("are shown to their customer and to staff, and to nobody else", async () => {
    await pay("1", "anna");
    await pay("2", "bert");
    await pay("3", null);
    const seenBy = async (principal: Principal) =>
      (await until(handlers()["v1.billing.payments"]({}, requestBy(principal)))).items.map(({ id }) => id).toSorted();
    expect(await seenBy(customer("anna"))).toEqual(["pay:1"]);
    expect(await seenBy(clerk)).toEqual(["pay:1", "pay:2", "pay:3"]);
    const one = (principal: Principal) =>
      codeOf(handlers()["v1.billing.payment"]({ id: "pay:1" }, requestBy(principal)));
    expect(await one(customer("anna"))).toBe("done");
    expect(await one(customer("bert"))).toBe("PAYMENT_NOT_FOUND");
  });
});

describe("A refund", () => {
  beforeEach(() => pay("1", "anna"));

  it("gives back an amount, in either form, and then all that is left", async () => {
    await until(refund({ amount: 300 }, requestBy(clerk, "k1")));
    await until(refund({ amount: gbp(200) }, requestBy(clerk, "k2")));
    const { replayed, resource } = await until(refund({}, requestBy(clerk, "k3")));
    expect(replayed).toBe(false);
    expect(resource).toMatchObject({ status: "REFUNDED", refunded: gbp(1_000) });
    expect(resource.refunds.map(({ amount, status }) => [amount, status])).toEqual([
      [gbp(300), "SUCCEEDED"],
      [gbp(200), "SUCCEEDED"],
      [gbp(500), "SUCCEEDED"],
    ]);
  });

  it("happens once per key, and the key serves no other request", async () => {
    await until(refund({ amount: 300 }, requestBy(clerk, "k1")));
    const again = await until(refund({ amount: 300 }, requestBy(clerk, "k1")));
    expect(again).toMatchObject({ replayed: true, resource: { refunded: gbp(300) } });
    const other = requestBy(clerk, "k1", { idempotency: { key: "k1", fingerprint: "other" } });
    expect(await codeOf(refund({ amount: 400 }, other))).toBe("IDEMPOTENCY_KEY_REUSED");
    expect(await world.ledger("REFUND")).toEqual([300]);
  });

  it.each([
    ["more than was captured", { amount: 1_001 }, "REFUND_EXCEEDS_CAPTURE"],
    ["another currency", { amount: { amount: 1, currency: "EUR" } }, "VALIDATION_FAILED"],
    ["nothing", { amount: gbp(0) }, "VALIDATION_FAILED"],
  ])("of %s is refused", async (_, rest, code) => {
    expect(await codeOf(refund(rest, requestBy(clerk, "k1")))).toBe(code);
  });

  it("of a payment that is not there, or not one's own, is 404", async () => {
    const none = { id: "pay:9", reason: "broken" };
    expect(await codeOf(handlers()["v1.billing.refund"](none, requestBy(clerk, "k1")))).toBe("PAYMENT_NOT_FOUND");
    expect(await codeOf(refund({}, requestBy(customer("bert"), "k1")))).toBe("PAYMENT_NOT_FOUND");
  });
});

describe("A credit note without an order", () => {
  it("is answered with its own number, the imported one beside it, and tells whether goods come back", async () => {
    const imported = { customerId: "c1", restock: true, number: "C536379", issuedAt: "2010-12-01T09:41:00Z" };
    const { replayed, resource } = await until(credit(imported, "k1"));
    expect(replayed).toBe(false);
    expect(resource).toMatchObject({
      ...{ number: "CN-2026-000001", type: "CREDIT_NOTE", status: "OPEN", customerId: "c1", orderId: null },
      ...{ externalNumber: "C536379", externalIssuedAt: "2010-12-01T09:41:00Z" },
      totals: { net: gbp(345), tax: gbp(69), gross: gbp(414) },
    });
    const [told] = world.eventsOf("invoices");
    expect(told).toMatchObject({ type: "creditnote.issued.v1", data: { restock: true, reason: "goodwill" } });
  });

  it("names the goods that it is for", async () => {
    const { resource } = await until(credit({ lines: [{ ...postage, sku: "TEA" }] }, "k1"));
    expect(resource.lines).toMatchObject([{ sku: "TEA", quantity: 3 }]);
  });

  it("is made once per key", async () => {
    const first = await until(credit({}, "k1"));
    const again = await until(credit({}, "k1"));
    expect(again).toEqual({ replayed: true, resource: first.resource });
    const other = requestBy(admin, "k1", { idempotency: { key: "k1", fingerprint: "other" } });
    expect(await codeOf(handlers()["v1.billing.credit"](goodwill, other))).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it.each([
    ["with a number, without orders:import", { number: "C1" }, clerk, "FORBIDDEN"],
    ["with a date, without orders:import", { issuedAt: "2010-12-01T09:41:00Z" }, clerk, "FORBIDDEN"],
    ["for nobody we know", { customerId: "nobody" }, clerk, "UNKNOWN_CUSTOMER"],
    ["in another currency than its lines", { currency: "EUR" }, clerk, "VALIDATION_FAILED"],
    ["of more than amounts hold", { lines: [{ ...postage, unitPrice: gbp(2e12) }] }, clerk, "VALIDATION_FAILED"],
    ["of goods that nobody sells", { lines: [{ ...postage, sku: "TEE" }] }, clerk, "UNKNOWN_SKU"],
  ])("%s is refused, and takes no number", async (_, rest, principal, code) => {
    expect(await codeOf(credit(rest, "k1", principal))).toBe(code);
    expect((await until(credit({}, "k2"))).resource.number).toBe("CN-2026-000001");
  });
});

describe("Invoices", () => {
  it("are listed newest first within a period, page by page", async () => {
    for (const key of ["k1", "k2", "k3"]) {
      await until(credit({}, key));
      await world.clock.advance(60_000);
    }
    const list = (params: object) => until(handlers()["v1.billing.invoices"](params, requestBy(clerk)));
    const first = await list({ limit: 2 });
    const rest = await list({ limit: 2, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...rest.items].map(({ number }) => number.slice(-1))).toEqual(["3", "2", "1"]);
    const [, second] = first.items;
    const within = await list({ from: second?.issuedAt, to: second?.issuedAt });
    expect(within.items.map(({ number }) => number)).toEqual([second?.number]);
    expect((await list({ type: "INVOICE" })).items).toEqual([]);
  });

  it("are shown to their customer and to staff, and to nobody else", async () => {
    const { resource } = await until(credit({ customerId: "anna" }, "k1"));
    const one = (principal: Principal) =>
      codeOf(handlers()["v1.billing.invoice"]({ id: resource.id }, requestBy(principal)));
    expect(await one(customer("anna"))).toBe("done");
    expect(await one(customer("bert"))).toBe("INVOICE_NOT_FOUND");
    const { items } = await until(handlers()["v1.billing.invoices"]({}, requestBy(customer("bert"))));
    expect(items).toEqual([]);
  });
});
