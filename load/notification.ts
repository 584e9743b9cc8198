// Notifications: those of one order, which come because of its events, and the newest of all.
import exec from "k6/execution";
import { clientOf, is, settings, summaryOf } from "./lib/simple.ts";
import { placeOrder } from "./lib/orders.ts";
import { skuOf, type Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const turn = exec.scenario.iterationInTest;
  const key = `${start.run}-notification-${String(turn)}`;
  const order = placeOrder(client, { key, sku: skuOf(turn % settings.skus) });
  if (order === null) return;
  is(client.get(`/v1/notifications?orderId=${order.id}`, { name: "/v1/notifications?orderId=" }), 200);
  is(client.get("/v1/notifications", { name: "/v1/notifications" }), 200);
}

export const handleSummary = summaryOf("notification");
