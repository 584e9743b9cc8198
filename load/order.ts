// Orders: placed, placed again with the same key, read, with their timeline, and cancelled.
import exec from "k6/execution";
import { check } from "k6";
import { clientOf, idIn, is, settings, summaryOf } from "./lib/simple.ts";
import { emailOf, skuOf, type Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const turn = exec.scenario.iterationInTest;
  const key = `${start.run}-order-${String(turn)}`;
  const asked = {
    email: emailOf(key),
    currency: "GBP",
    lines: [{ sku: skuOf(turn % settings.skus), quantity: 1 }],
    payment: { method: "pm_card_visa" },
  };
  const place = () => client.post("/v1/orders", asked, { name: "/v1/orders", key });
  const [first, again] = [place(), place()];
  if (!is(first, 201, 202) || !is(again, 201, 202)) return;
  const id = idIn(first);
  check(again, { "the same key is the same order": answer => idIn(answer) === id });
  is(client.get(`/v1/orders/${id}`, { name: "/v1/orders/{id}" }), 200);
  is(client.get(`/v1/orders/${id}/timeline`, { name: "/v1/orders/{id}/timeline" }), 200);
  const reason = { reason: "Load test" };
  is(
    client.post(`/v1/orders/${id}/cancel`, reason, { name: "/v1/orders/{id}/cancel", key: `${key}-cancel` }),
    200,
    201,
  );
}

export const handleSummary = summaryOf("order");
