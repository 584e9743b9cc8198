// The audit beside a shop under load: not one false alarm.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Order } from "../../core/contracts/order.ts";
import { expectNoFinding } from "../support/audited.ts";
import { openShop, type OpenShop } from "../support/shop-process.ts";

const ORDERS = 600;
const CLIENTS = 12;
const HOT = "HOT";
const SKUS = [HOT, ...Array.from({ length: 15 }, (_, index) => `LOAD-${String(index)}`)];

let open: OpenShop;
beforeAll(async () => {
  open = await openShop({ env: { COMPTOIR_AUDIT_INTERVAL: "5", COMPTOIR_RATE_LIMIT: "0" } });
}, 60_000);
afterAll(() => open.shop.kill());

/** Half of the orders want the same SKU, which therefore never stands still. */
async function place(index: number): Promise<Order> {
  const methods = ["pm_card_visa", "pm_card_visa", "pm_sim_unknown", "pm_card_chargeDeclined", "pm_sim_captureFails"];
  const skus = index % 2 === 0 ? [HOT] : [SKUS[index % SKUS.length] ?? HOT, HOT];
  const lines = skus.map(sku => ({ sku, quantity: 1 + (index % 4) }));
  const external = index % 10 === 0 ? { number: `EXT-${String(index)}`, placedAt: "2011-12-09T12:00:00Z" } : {};
  const payment = { method: methods[index % methods.length] ?? "pm_card_visa" };
  const body = { currency: "GBP", email: "ann@example.org", lines, payment, ...external };
  return (await open.api.post<Order>("/v1/orders", body, `place-${String(index)}`)).body;
}

/** What happens to an order later: nothing, or one of four things. */
async function goOn({ id, payment }: Order, index: number): Promise<void> {
  const { api } = open;
  const at = `/v1/orders/${id}`;
  const [key, reason] = [`later-${String(index)}`, "Changed my mind"];
  if (index % 5 === 1) await api.post(`${at}/cancel`, { reason }, key);
  if (index % 5 === 2 && payment !== null)
    await api.post(`/v1/payments/${payment.id}/refunds`, { amount: 10, reason }, key);
  if (index % 5 < 3) return;
  await api.post(`${at}/shipments`, {}, key);
  const lines = [{ sku: HOT, quantity: 1 }];
  if (index % 5 === 4) await api.post(`${at}/returns`, { lines, reason, restock: true }, `${key}-back`);
}

const credit = (index: number) =>
  open.api.post(
    "/v1/credit-notes",
    {
      currency: "GBP",
      lines: [{ sku: HOT, description: "Goodwill", quantity: 1, unitPrice: { amount: 100, currency: "GBP" } }],
      reason: "Goodwill",
      restock: true,
    },
    `credit-${String(index)}`,
  );

describe("The audit has no finding", () => {
  it("under load with declines, lost answers, cancellations, shipments, returns, refunds and credit notes", async () => {
    for (const sku of SKUS) {
      await open.api.post("/v1/products", { sku, name: sku, price: { amount: 999, currency: "GBP" } }, `make-${sku}`);
      await open.api.post(`/v1/inventory/${sku}/receipts`, { quantity: 100_000 }, `fill-${sku}`);
    }
    let next = 0;
    const statuses = new Set<string>();
    const buyer = async (): Promise<void> => {
      for (let index = next++; index < ORDERS; index = next++) {
        const order = await place(index);
        statuses.add(order.status);
        await goOn(order, index);
        if (index % 20 === 0) await credit(index);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, buyer));
    expect([...statuses]).toEqual(expect.arrayContaining(["CONFIRMED", "REJECTED"]));
    await expectNoFinding(open.api);
  }, 300_000);
});
