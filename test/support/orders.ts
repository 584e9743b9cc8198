// Orders for tests: built by the code that builds them in production.
import type { PlaceOrder } from "../../core/contracts/order.ts";
import type { PricedProduct } from "../../core/contracts/product.ts";
import type { Request } from "../../core/request.ts";
import type { Work } from "../../services/order/order.admission.ts";
import { newOrder } from "../../services/order/order.place.ts";
import { priceOrder } from "../../services/order/order.pricing.ts";
import type { OrderState } from "../../services/order/order.schema.ts";

export const gbp = (amount: number) => ({ amount, currency: "GBP" });

export const product = (sku: string, amount = 255, taxRate = 2000): PricedProduct => ({
  sku,
  name: `Product ${sku}`,
  price: gbp(amount),
  taxRate,
  status: "ACTIVE",
});

export const anyRequest: Request = {
  principal: { kind: "service", id: "test" },
  call: () => Promise.reject(new Error("This test makes no calls")),
  accepted: () => Promise.reject(new Error("This test makes no calls")),
  traceId: "test",
  deadline: Number.MAX_SAFE_INTEGER,
  idempotency: null,
  ifMatch: null,
  wait: 0,
};

/** Of an order that nobody counts. */
export const anyWork: Work = { outside: wait => wait(), done: () => undefined, left: () => undefined };

export const asked = (lines: PlaceOrder["lines"], rest: Partial<PlaceOrder> = {}): PlaceOrder => ({
  email: "guest@example.org",
  currency: "GBP",
  lines,
  payment: { method: "pm_card_visa" },
  ...rest,
});

export function pendingOrder(id: string, order: PlaceOrder, products: readonly PricedProduct[]): OrderState {
  const priced = priceOrder(order, products);
  if (!priced.ok) throw new Error(priced.refusal.detail);
  const buyer = { customerId: order.customerId ?? null, email: order.email ?? null };
  return newOrder(id, order, { buyer, priced }, { now: 0, leaseMs: 10_000, request: anyRequest }).state;
}
