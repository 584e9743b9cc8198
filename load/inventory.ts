// Stock: a receipt, an adjustment that takes it out again, the count and the movements.
import exec from "k6/execution";
import { clientOf, is, settings, summaryOf } from "./lib/simple.ts";
import { pathOf, skuOf, type Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const turn = exec.scenario.iterationInTest;
  const key = `${start.run}-inventory-${String(turn)}`;
  const path = pathOf(skuOf(turn % settings.skus));
  const at = "/v1/inventory/{sku}";
  const reason = "Load test";
  const receipt = { quantity: 1, reason };
  is(client.post(`${path}/receipts`, receipt, { name: `${at}/receipts`, key: `${key}-in` }), 201);
  const adjustment = { quantity: -1, reason };
  is(client.post(`${path}/adjustments`, adjustment, { name: `${at}/adjustments`, key: `${key}-out` }), 201);
  is(client.get(path, { name: at }), 200);
  is(client.get(`${path}/movements`, { name: `${at}/movements` }), 200);
}

export const handleSummary = summaryOf("inventory");
