// Billing: an order's payment and invoice, a part of it refunded, and the invoices of all.
import exec from "k6/execution";
import { clientOf, is, settings, summaryOf } from "./lib/simple.ts";
import { placeOrder } from "./lib/orders.ts";
import { skuOf, type Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const turn = exec.scenario.iterationInTest;
  const key = `${start.run}-billing-${String(turn)}`;
  const order = placeOrder(client, { key, sku: skuOf(turn % settings.skus) });
  const payment = order?.payment?.id;
  if (payment === undefined) return;
  const path = `/v1/payments/${encodeURIComponent(payment)}`;
  is(client.get(path, { name: "/v1/payments/{id}" }), 200);
  const refund = { amount: 10, reason: "Load test" };
  is(client.post(`${path}/refunds`, refund, { name: "/v1/payments/{id}/refunds", key: `${key}-refund` }), 201);
  is(client.get(`/v1/invoices?orderId=${order?.id ?? ""}`, { name: "/v1/invoices?orderId=" }), 200);
  is(client.get("/v1/invoices", { name: "/v1/invoices" }), 200);
}

export const handleSummary = summaryOf("billing");
