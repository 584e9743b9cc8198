// One product, and buyers who order one unit of it each until they are told to stop.
import type { Order } from "../../core/contracts/order.ts";
import type { Client } from "./client.ts";

export const UNITS = 100_000;
export const order = {
  email: "guest@example.org",
  currency: "GBP",
  lines: [{ sku: "A", quantity: 1 }],
  payment: { method: "pm_card_visa" },
};

export async function stocked(api: Client): Promise<void> {
  await api.post("/v1/products", { sku: "A", name: "A", price: { amount: 255, currency: "GBP" } }, "product");
  await api.post("/v1/inventory/A/receipts", { quantity: UNITS }, "stock");
}

/** Buyers who order one after the other until they are told to stop; what each was answered, and when. */
export function buyers(api: Client, width: number) {
  const answered: { readonly order: Order; readonly at: number; readonly took: number }[] = [];
  const stopping = new AbortController();
  let next = 0;
  const ended = Promise.all(
    Array.from({ length: width }, async () => {
      while (!stopping.signal.aborted) {
        const began = performance.now();
        const { body, status } = await api.post<Order>("/v1/orders", order, `order-${String((next += 1))}`);
        if (status < 300) answered.push({ order: body, at: Date.now(), took: performance.now() - began });
      }
    }),
  );
  return {
    answered,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
