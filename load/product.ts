// The catalogue: a page, a search, one product, and the same one again from the client's cache.
import http from "k6/http";
import exec from "k6/execution";
import { clientOf, is, settings, summaryOf } from "./lib/simple.ts";
import { skuOf, type Start } from "./lib/shop.ts";

export { options, setup } from "./lib/simple.ts";

export default function (start: Start): void {
  const client = clientOf(start);
  const turn = exec.scenario.iterationInTest;
  const path = `/v1/products/${skuOf(turn % settings.skus)}`;
  is(client.get("/v1/products?limit=20", { name: "/v1/products" }), 200);
  is(client.get(`/v1/products?q=load%20${String(turn % 10)}`, { name: "/v1/products?q=" }), 200);
  const product = client.get(path, { name: "/v1/products/{sku}" });
  is(product, 200);
  const again = http.get(settings.url + path, {
    headers: { "If-None-Match": product.headers["Etag"] ?? "" },
    tags: { name: "GET /v1/products/{sku} (cached)" },
    responseType: "text",
  });
  is(again, 304);
}

export const handleSummary = summaryOf("product");
