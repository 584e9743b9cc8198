// Customers: made, read and searched for.
import exec from "k6/execution";
import { clientOf, idIn, is, summaryOf } from "./lib/simple.ts";
import type { Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const key = `${start.run}-customer-${String(exec.scenario.iterationInTest)}`;
  const asked = { name: `Customer ${key}`, email: `${key}@load.example`, country: "GB" };
  const made = client.post("/v1/customers", asked, { name: "/v1/customers", key });
  if (!is(made, 201)) return;
  is(client.get(`/v1/customers/${encodeURIComponent(idIn(made))}`, { name: "/v1/customers/{id}" }), 200);
  is(client.get(`/v1/customers?q=${encodeURIComponent(key)}`, { name: "/v1/customers?q=" }), 200);
}

export const handleSummary = summaryOf("customer");
