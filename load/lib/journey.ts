// A customer's way through the shop: the list, a product, an order, the order again, its invoice.
import { check, sleep } from "k6";
import exec from "k6/execution";
import { Trend } from "k6/metrics";
import type { Page } from "./pages.ts";
import type { Invoice } from "../../core/contracts/billing.ts";
import type { Product } from "../../core/contracts/product.ts";
import type { Client } from "./client.ts";
import { clientOf, keyOf } from "./buying.ts";
import { placeOrder } from "./orders.ts";
import type { Settings } from "./settings.ts";
import { skuOf, type Start } from "./shop.ts";

/** From the list to the invoice. */
const journey = new Trend("checkout_duration", true);
/** From the order's answer until its invoice is there. */
const invoiced = new Trend("invoice_delay", true);

const INVOICE_PATIENCE_MS = 10_000;
const LOOK_AGAIN_S = 0.1;

function awaitInvoice(client: Client, orderId: string): boolean {
  const end = Date.now() + INVOICE_PATIENCE_MS;
  for (;;) {
    const answer = client.get(`/v1/invoices?orderId=${encodeURIComponent(orderId)}`, { name: "/v1/invoices?orderId=" });
    if (answer.status === 200 && (JSON.parse(answer.body) as Page<Invoice>).items.length === 1) return true;
    if (Date.now() > end) return false;
    sleep(LOOK_AGAIN_S);
  }
}

export function checkout(scenario: string, settings: Settings, start: Start): void {
  const client = clientOf(settings, start);
  const begin = Date.now();
  const list = client.get("/v1/products?limit=20", { name: "/v1/products" });
  check(list, {
    "the list has products": ({ status, body }) =>
      status === 200 && (JSON.parse(body) as Page<Product>).items.length > 0,
  });
  const sku = skuOf(exec.scenario.iterationInTest % settings.skus);
  const product = client.get(`/v1/products/${sku}`, { name: "/v1/products/{sku}" });
  check(product, { "the product is there": ({ status }) => status === 200 });
  const order = placeOrder(client, { key: keyOf(scenario, start), sku });
  if (order === null) return;
  const read = client.get(`/v1/orders/${encodeURIComponent(order.id)}`, { name: "/v1/orders/{id}" });
  check(read, { "the order can be read": ({ status }) => status === 200 });
  const placed = Date.now();
  if (!check(null, { "the invoice comes": () => awaitInvoice(client, order.id) })) return;
  invoiced.add(Date.now() - placed);
  journey.add(Date.now() - begin);
}
