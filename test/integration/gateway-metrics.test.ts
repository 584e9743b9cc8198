// What the gateway counts: each request once, at its endpoint, however it ended.
import { request as httpRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { fail } from "../../core/errors.ts";
import { scrapeHere, sumOf, valueOf, type ScrapedSeries } from "../support/scrape.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

const product = {
  ...{ sku: "A", name: "A", price: { amount: 1, currency: "GBP" }, taxRate: 0, status: "ACTIVE" },
  ...{ createdAt: "2026-01-01T00:00:00.000Z", updatedAt: "2026-01-01T00:00:00.000Z", version: 3 },
};
const order = {
  ...{ currency: "GBP", email: "a@example.org", payment: { method: "pm_card_visa" } },
  lines: [{ sku: "A", quantity: 1 }],
};
const LIMIT_MS = 10_000;
/** A little longer than the throttle's at the door. */
const WINDOW_MS = 600;

let gateway: TestGateway;
let before: ScrapedSeries[];

beforeEach(async () => {
  gateway = await startGateway({
    "v1.product.get": () => product,
    "v1.order.list": () => ({ items: [], nextCursor: null }),
    "v1.order.place": () => Promise.reject(new Error("is set by a test")),
  });
  before = await scrapeHere();
});
afterEach(() => gateway.stop());

/** What came to a counter since the test began. */
async function grown(name: string, labels: Record<string, string>): Promise<number> {
  return (valueOf(await scrapeHere(), name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0);
}
const asked = (service: string, endpoint: string) => grown("app_requests_total", { service, endpoint });
const answered = (status: number) => grown("http_requests_by_status_code_total", { status_code: String(status) });

/** A connection closes a moment after its answer has come. */
async function counted(requests: number): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  const all = async () => sumOf(await scrapeHere(), "app_requests_total") - sumOf(before, "app_requests_total");
  while ((await all()) < requests && Date.now() < end) await pause(5);
  expect(await all()).toBe(requests);
}

describe("A request counts", () => {
  it("at its endpoint and at the service behind it, whatever its parameters are", async () => {
    for (const sku of ["A", "B", "C"]) expect((await gateway.get(`/v1/products/${sku}?`)).status).toBe(200);
    await fetch(`${gateway.url}/v1/products/A`, { method: "HEAD" });
    expect((await gateway.get("/v1/products/A", { "if-none-match": '"3"' })).status).toBe(304);
    await counted(5);
    expect(await asked("product", "GET /v1/products/{sku}")).toBe(5);
    expect([await answered(200), await answered(304)]).toEqual([4, 1]);
    const labels = { service: "product", endpoint: "GET /v1/products/{sku}" };
    expect(await grown("app_request_latency_seconds_count", labels)).toBe(5);
  });

  it("when it is refused, and when nothing is there", async () => {
    expect((await gateway.get("/v1/orders")).status).toBe(401);
    expect((await gateway.get("/v1/orders?limit=none")).status).toBe(401);
    expect((await gateway.get("/wp-login.php")).status).toBe(404);
    expect((await gateway.send("DELETE", "/v1/orders", {})).status).toBe(405);
    expect((await gateway.get("/openapi.json")).status).toBe(200);
    await counted(5);
    expect(await asked("order", "GET /v1/orders")).toBe(2);
    expect(await asked("gateway", "unmatched")).toBe(2);
    expect(await asked("gateway", "GET /openapi.json")).toBe(1);
    expect([await answered(401), await answered(404), await answered(405)]).toEqual([2, 1, 1]);
  });

  it("as failed, with the code of its problem, when the fault is ours", async () => {
    gateway.stubs["v1.product.get"] = () => Promise.reject(new Error("a mistake"));
    expect((await gateway.get("/v1/products/A")).status).toBe(500);
    gateway.stubs["v1.product.get"] = () => Promise.reject(fail("OUTCOME_UNKNOWN", "who knows"));
    expect((await gateway.get("/v1/products/A")).status).toBe(503);
    expect((await gateway.get("/v1/customers/1", await gateway.bearer("customers:read"))).status).toBe(503);
    await counted(3);
    const at = { service: "product", endpoint: "GET /v1/products/{sku}" };
    expect(await grown("comptoir_requests_failed_total", { ...at, code: "INTERNAL_ERROR" })).toBe(1);
    expect(await grown("comptoir_requests_failed_total", { ...at, code: "OUTCOME_UNKNOWN" })).toBe(1);
    const other = { service: "customer", endpoint: "GET /v1/customers/{id}", code: "SERVICE_UNAVAILABLE" };
    expect(await grown("comptoir_requests_failed_total", other)).toBe(1);
  });

  it("from 0 on where an alert asks: the first failures may be many", async () => {
    const series = await scrapeHere();
    const at = { service: "order", endpoint: "POST /v1/orders" };
    expect(valueOf(series, "app_requests_total", at)).toBe(0);
    for (const code of ["INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "OVERLOADED", "EVENT_BACKLOG"])
      expect([code, valueOf(series, "comptoir_requests_failed_total", { ...at, code })]).toEqual([code, 0]);
    for (const status of ["500", "503"])
      expect(valueOf(series, "http_requests_by_status_code_total", { status_code: status })).toBeDefined();
  });

  it("as shed when the order service has too many", async () => {
    gateway.stubs["v1.order.place"] = () => Promise.reject(fail("OVERLOADED", "Too many", { retryAfter: 3 }));
    const headers = { "idempotency-key": "k", ...(await gateway.bearer("orders:write")) };
    const answer = await gateway.send("POST", "/v1/orders", order, headers);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "3"]);
    expect(await grown("comptoir_requests_shed_total", { reason: "orders" })).toBe(1);
  });

  it("as sent on when it goes to the order service: one refusal of twenty closes the door to none", async () => {
    let placed = 0;
    gateway.stubs["v1.order.place"] = () => {
      placed += 1;
      return Promise.reject(placed === 1 ? fail("OVERLOADED", "Too many") : fail("PRODUCT_NOT_FOUND", "No product"));
    };
    const bearer = await gateway.bearer("orders:write");
    // The next window begins with the first of them.
    await pause(WINDOW_MS);
    const keys = Array.from({ length: 20 }, (_, index) => `k${String(index)}`);
    await Promise.all(
      keys.map(key => gateway.send("POST", "/v1/orders", order, { "idempotency-key": key, ...bearer })),
    );
    const shares: number[] = [];
    const end = Date.now() + WINDOW_MS;
    while (Date.now() < end) {
      shares.push(valueOf(await scrapeHere(), "comptoir_orders_let_through_ratio") ?? 0);
      await pause(20);
    }
    expect(placed).toBe(20);
    expect(Math.min(...shares)).toBeGreaterThan(0.7);
  });

  it("when its client goes before the answer", async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>();
    gateway.stubs["v1.product.get"] = async () => {
      begin(undefined);
      await pause(100);
      return product;
    };
    const leaving = httpRequest(`${gateway.url}/v1/products/A`);
    leaving.on("error", () => undefined);
    leaving.end();
    await begun;
    leaving.destroy();
    await counted(1);
    expect(await asked("product", "GET /v1/products/{sku}")).toBe(1);
    expect(await answered(499)).toBe(1);
  });
});

describe("A limit counts", () => {
  it("what it turned away", async () => {
    await gateway.stop();
    gateway = await startGateway({ "v1.product.get": () => product }, { rateLimit: 2 });
    for (const status of [200, 200, 429, 429]) expect((await gateway.get("/v1/products/A")).status).toBe(status);
    expect(await grown("comptoir_requests_limited_total", { limit: "rate" })).toBe(2);
  });
});
