// A day at the shop in a second: everything that a panel shows happens at least once in each round.
import type { Order } from "../../../core/contracts/order.ts";
import type { Client } from "../client.ts";

const PRICE = { amount: 255, currency: "GBP" };
/** Sells out, so that it is low and then out. */
const SCARCE = "SCARCE";
const PLENTY = "PLENTY";

type Payment = "pm_card_visa" | "pm_card_chargeDeclined";

export async function openMarket(api: Client): Promise<void> {
  for (const [sku, quantity] of [
    [PLENTY, 1_000_000],
    [SCARCE, 2],
  ] as const) {
    await api.post("/v1/products", { sku, name: `Product ${sku}`, price: PRICE }, `product-${sku}`);
    await api.post(`/v1/inventory/${sku}/receipts`, { quantity }, `stock-${sku}`);
  }
}

/** @param url of the REST API, for what the administrator does not ask. */
export async function marketRound(api: Client, url: string, round: number): Promise<void> {
  const key = (what: string): string => `${what}-${String(round)}`;
  const place = async (what: string, sku: string, method: Payment = "pm_card_visa"): Promise<Order> => {
    const body = {
      ...{ email: `${what}@example.org`, currency: "GBP", payment: { method } },
      lines: [{ sku, quantity: 1 }],
    };
    const { body: placed } = await api.post<Order>("/v1/orders", body, key(what));
    return api.until(
      () => api.get<Order>(`/v1/orders/${placed.id}`),
      ({ status }) => status !== "PENDING",
    );
  };
  await Promise.all([fetch(`${url}/v1/products/${PLENTY}`), fetch(`${url}/v1/products/${SCARCE}`)]);
  const [cancelled, shipped] = await Promise.all([
    place("cancelled", PLENTY),
    place("shipped", PLENTY),
    place("declined", PLENTY, "pm_card_chargeDeclined"),
    place("scarce", SCARCE),
  ]);
  await api.post(`/v1/orders/${cancelled.id}/cancel`, { reason: "changed my mind" }, key("cancel"));
  await api.post(`/v1/orders/${shipped.id}/shipments`, {}, key("shipment"));
  // It is too late for that.
  await api.post(`/v1/orders/${shipped.id}/cancel`, { reason: "changed my mind" }, key("late"));
  const back = { lines: [{ sku: PLENTY, quantity: 1 }], reason: "too small", restock: true };
  await api.post(`/v1/orders/${shipped.id}/returns`, back, key("return"));
  await refused(url, round);
}

/** What is no order: a wrong password, a product that there is not, an order that is none. */
async function refused(url: string, round: number): Promise<void> {
  const headers = { "content-type": "application/json" };
  const post = (path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  // Another one each time: many for one account are held back, and then nobody asks account.
  const email = `nobody-${String(round)}@example.org`;
  await Promise.all([
    post("/v1/auth/login", { email, password: "wrong wrong wrong" }),
    fetch(`${url}/v1/products/NONE`),
    post("/v1/orders", {}),
  ]);
}
