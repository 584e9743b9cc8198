// A shop is walked through, and what it says in numbers is what was done: every series is in the catalogue, none is without
// bound, and the counts are those of the requests that were made.
import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ADMIN, startNode, temporaryFolder, type NodeProcess } from "../../scripts/support/node-process.ts";
import { seriesIn, sumOf, valueOf, violationsIn, type ScrapedSeries } from "../support/scrape.ts";

const LIMIT_MS = 60_000;
const RATE = 100;
const UNMATCHED = "unmatched";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
interface Asked {
  /** As the metrics name it: method, and path with its templates. */
  readonly endpoint: string;
  readonly service: string;
  readonly path?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/** Asks and keeps its own count of it. */
function walker(url: string) {
  const endpoints = new Map<string, number>();
  const statuses = new Map<string, number>();
  let token = "";
  let keys = 0;
  const count = (where: Map<string, number>, what: string): void => {
    where.set(what, (where.get(what) ?? 0) + 1);
  };
  async function ask({ endpoint, service, path, body, headers = {} }: Asked): Promise<Answer> {
    const [method, template] = endpoint === UNMATCHED ? ["GET", ""] : (endpoint.split(" ") as [string, string]);
    const answer = await fetch(url + (path ?? template), {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    count(endpoints, `${service} ${endpoint}`);
    count(statuses, String(answer.status));
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }
  const asAdmin = (asked: Asked): Promise<Answer> => {
    keys += 1;
    const own = { authorization: `Bearer ${token}`, "idempotency-key": `key-${String(keys)}` };
    return ask({ ...asked, headers: { ...own, ...asked.headers } });
  };
  return {
    endpoints,
    statuses,
    ask,
    asAdmin,
    count,
    async login(password: string): Promise<number> {
      const body = { email: ADMIN.email, password };
      const answer = await ask({ endpoint: "POST /v1/auth/login", service: "account", body });
      if (answer.status === 200) token = String(answer.body["accessToken"]);
      return answer.status;
    },
    async order(sku: string, method: string): Promise<Answer> {
      const body = {
        ...{ email: "guest@example.org", currency: "GBP", payment: { method } },
        lines: [{ sku, quantity: 2 }],
      };
      return asAdmin({ endpoint: "POST /v1/orders", service: "order", body, headers: { prefer: "wait=10" } });
    },
  };
}

describe("A shop that was walked through", () => {
  const data = temporaryFolder();
  let node: NodeProcess;
  let walk: ReturnType<typeof walker>;
  let series: ScrapedSeries[];

  const scrape = async (accept = "text/plain"): Promise<string> =>
    (await fetch(`${node.opsUrl}/metrics`, { headers: { accept } })).text();

  /** What follows from orders comes by events, and some numbers are looked up now and then. */
  async function until(name: string, labels: Record<string, string>, value: number): Promise<void> {
    const end = Date.now() + LIMIT_MS;
    for (;;) {
      series = seriesIn(await scrape());
      const now = valueOf(series, name, labels);
      if (now === value) return;
      if (Date.now() > end)
        throw new Error(`${name} ${JSON.stringify(labels)} is ${String(now)}, not ${String(value)}`);
      await pause(100);
    }
  }

  async function stockUp(): Promise<void> {
    for (const sku of ["A", "B", "C"]) {
      const body = { sku, name: `Product ${sku}`, price: { amount: 250, currency: "GBP" } };
      await walk.asAdmin({ endpoint: "POST /v1/products", service: "product", body });
    }
    const endpoint = "POST /v1/inventory/{sku}/receipts";
    for (const [sku, quantity] of Object.entries({ A: 100, C: 5 }))
      await walk.asAdmin({ endpoint, service: "inventory", path: `/v1/inventory/${sku}/receipts`, body: { quantity } });
  }

  async function browse(): Promise<void> {
    const product = { endpoint: "GET /v1/products/{sku}", service: "product", path: "/v1/products/A" };
    for (let view = 0; view < 3; view += 1) expect((await walk.ask(product)).status).toBe(200);
    expect((await walk.ask({ ...product, headers: { "if-none-match": "*" } })).status).toBe(304);
    expect((await walk.ask({ ...product, path: "/v1/products/B" })).status).toBe(200);
    expect((await walk.ask({ ...product, path: "/v1/products/none" })).status).toBe(404);
    for (const path of ["/nowhere", "/v1/nowhere?at=all"]) {
      expect((await walk.ask({ endpoint: UNMATCHED, service: "gateway", path })).status).toBe(404);
    }
    expect((await walk.ask({ endpoint: "GET /v1/orders", service: "order" })).status).toBe(401);
    const wrong = { endpoint: "POST /v1/orders", service: "order", body: {} };
    expect((await walk.asAdmin(wrong)).status).toBe(422);
  }

  async function trade(): Promise<void> {
    const sold = await walk.order("A", "pm_card_visa");
    const given = await walk.order("A", "pm_card_visa");
    const declined = await walk.order("A", "pm_card_chargeDeclined");
    const short = await walk.order("B", "pm_card_visa");
    expect([sold, given, declined, short].map(({ body }) => body["status"])).toEqual([
      ...["CONFIRMED", "CONFIRMED", "REJECTED", "REJECTED"],
    ]);
    const ofOrder = (order: Answer, what: string) => ({
      endpoint: `POST /v1/orders/{id}/${what}`,
      service: "order",
      path: `/v1/orders/${String(order.body["id"])}/${what}`,
    });
    const shipped = await walk.asAdmin({ ...ofOrder(sold, "shipments"), body: {} });
    expect(shipped.body["status"]).toBe("COMPLETED");
    const cancelled = await walk.asAdmin({ ...ofOrder(given, "cancel"), body: { reason: "changed my mind" } });
    expect(cancelled.body["status"]).toBe("CANCELLED");
  }

  beforeAll(async () => {
    const env = { COMPTOIR_LOG_LEVEL: "warn", COMPTOIR_RATE_LIMIT: String(RATE) };
    node = await startNode({ data, env, timeoutMs: LIMIT_MS });
    walk = walker(node.url ?? "");
    expect(await walk.login(ADMIN.password)).toBe(200);
    await stockUp();
    await browse();
    await trade();
    for (let attempt = 0; attempt < 10; attempt += 1) expect(await walk.login("wrong, each time")).toBe(401);
    expect(await walk.login("once too often")).toBe(429);
    const list = { endpoint: "GET /v1/products", service: "product" };
    while ((await walk.ask(list)).status === 200);
    await until("comptoir_invoices_total", { type: "INVOICE" }, 2);
    await until("comptoir_invoices_total", { type: "CREDIT_NOTE" }, 1);
    await until("comptoir_refunds_minor_total", { currency: "GBP" }, 500);
    await until("product_catalog_size", {}, 3);
    await until("comptoir_stock_items", { level: "ok" }, 1);
    await until("comptoir_outbox_events", { database: "order" }, 0);
    await until("comptoir_events_lag", { subscriber: "notification" }, 0);
  });
  afterAll(async () => {
    await node.end("SIGKILL");
    rmSync(data, { recursive: true });
  });

  it("shows nothing that is not in the catalogue, with no other labels, and no more values than they may have", () => {
    expect(violationsIn(series)).toEqual([]);
    expect(sumOf(series, "comptoir_metrics_overflows_total")).toBe(0);
  });

  it("counts each request at its endpoint, with its status and its time", () => {
    const counted = series.filter(({ name }) => name === "app_requests_total");
    const byEndpoint = counted.map(({ labels: { service, endpoint }, value }) => [
      `${service ?? ""} ${endpoint ?? ""}`,
      value,
    ]);
    expect(new Map(byEndpoint as [string, number][])).toEqual(walk.endpoints);
    // Those of failures are there from the beginning.
    const statuses = series
      .filter(({ name, value }) => name === "http_requests_by_status_code_total" && value > 0)
      .map(({ labels, value }): [string, number] => [labels["status_code"] ?? "", value]);
    expect(new Map(statuses)).toEqual(walk.statuses);
    const requests = [...walk.statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(sumOf(series, "app_request_latency_seconds_count")).toBe(requests);
    expect(sumOf(series, "comptoir_requests_limited_total", { limit: "login" })).toBe(1);
    expect(sumOf(series, "comptoir_requests_limited_total", { limit: "rate" })).toBe(1);
    expect(sumOf(series, "comptoir_requests_in_flight")).toBe(0);
  });

  it("counts the catalogue and what of it was looked at", () => {
    expect(valueOf(series, "products_viewed_total", { sku: "A" })).toBe(4);
    expect(valueOf(series, "products_viewed_total", { sku: "B" })).toBe(1);
    expect(sumOf(series, "products_viewed_total")).toBe(5);
    expect(valueOf(series, "product_catalog_size")).toBe(3);
  });

  it("counts orders, what became of them, and their sagas", () => {
    expect(valueOf(series, "comptoir_orders_placed_total")).toBe(4);
    for (const [status, count] of Object.entries({ CONFIRMED: 2, REJECTED: 2, CANCELLED: 1, COMPLETED: 1 }))
      expect([status, valueOf(series, "comptoir_orders_total", { status })]).toEqual([status, count]);
    expect(valueOf(series, "comptoir_order_rejections_total", { code: "OUT_OF_STOCK" })).toBe(1);
    expect(valueOf(series, "comptoir_order_rejections_total", { code: "PAYMENT_DECLINED" })).toBe(1);
    const capture = { step: "capture", direction: "FORWARD", outcome: "done" };
    expect(valueOf(series, "comptoir_saga_steps_total", capture)).toBe(2);
    expect(valueOf(series, "comptoir_saga_seconds_count", { status: "CONFIRMED" })).toBe(2);
    expect(valueOf(series, "comptoir_sagas_running")).toBe(0);
    expect(valueOf(series, "comptoir_orders_in_work")).toBe(0);
    expect(valueOf(series, "comptoir_orders_in_work_bound")).toBe(512);
    expect(valueOf(series, "comptoir_orders_let_through_ratio")).toBe(1);
    expect(valueOf(series, "comptoir_saga_oldest_seconds")).toBe(0);
  });

  it("counts money, documents, mails and logins", () => {
    expect(valueOf(series, "comptoir_revenue_minor_total", { currency: "GBP" })).toBe(1_000);
    expect(valueOf(series, "comptoir_refunds_minor_total", { currency: "GBP" })).toBe(500);
    expect(valueOf(series, "comptoir_payments_total", { outcome: "captured" })).toBe(2);
    expect(valueOf(series, "comptoir_payments_total", { outcome: "declined" })).toBe(1);
    expect(sumOf(series, "comptoir_mails_total", { outcome: "sent" })).toBeGreaterThan(0);
    expect(valueOf(series, "comptoir_logins_total", { outcome: "ok" })).toBe(1);
    expect(valueOf(series, "comptoir_logins_total", { outcome: "refused" })).toBe(10);
  });

  it("shows the stock, the least of it first", () => {
    const least = series.filter(({ name }) => name === "comptoir_stock_available");
    expect(least.map(({ labels, value }) => [labels["sku"], value])).toEqual([
      ["B", 0],
      ["C", 5],
      ["A", 98],
    ]);
    expect(["out", "low", "ok"].map(level => valueOf(series, "comptoir_stock_items", { level }))).toEqual([1, 1, 1]);
  });

  it("shows how its node, its stores and its log do", () => {
    expect(valueOf(series, "comptoir_ready")).toBe(1);
    expect(sumOf(series, "comptoir_build_info", { node_version: process.version })).toBe(1);
    expect(sumOf(series, "comptoir_event_loop_utilization")).toBeGreaterThan(0);
    expect(sumOf(series, "comptoir_event_loop_utilization")).toBeLessThanOrEqual(1);
    expect(sumOf(series, "nodejs_gc_duration_seconds_count")).toBeGreaterThan(0);
    for (const operation of ["load", "list", "write", "outbox"])
      expect(sumOf(series, "comptoir_store_seconds_count", { database: "order", operation })).toBeGreaterThan(0);
    for (const name of ["comptoir_outbox_parked", "comptoir_dead_letters_waiting", "comptoir_events_lag"])
      expect([name, sumOf(series, name)]).toEqual([name, 0]);
    const delivered = sumOf(series, "comptoir_events_delivered_total");
    expect(delivered).toBeGreaterThan(0);
    expect(sumOf(series, "comptoir_event_delivery_seconds_count")).toBe(delivered);
    expect(valueOf(series, "comptoir_actions_begun_total", { action: "v1.order.place" })).toBe(4);
    expect(valueOf(series, "comptoir_action_seconds_count", { action: "v1.order.place" })).toBe(4);
    const refused = { action: "v1.account.login", code: "UNAUTHENTICATED" };
    expect(valueOf(series, "comptoir_action_errors_total", refused)).toBe(10);
    expect(valueOf(series, "comptoir_actions_in_flight")).toBe(0);
  });

  it("shows how the cluster is put together", () => {
    expect(valueOf(series, "moleculer_nodes_total")).toBe(1);
    expect(valueOf(series, "moleculer_service_endpoints_total", { service: "order", version: "1" })).toBe(1);
    expect(valueOf(series, "moleculer_action_endpoints_total", { action: "v1.order.place" })).toBe(1);
    expect(sumOf(series, "moleculer_nodes")).toBe(1);
  });

  it("says the same in OpenMetrics to who asks for it", async () => {
    const open = await scrape("application/openmetrics-text;version=1.0.0");
    expect(open.endsWith("# EOF\n")).toBe(true);
    const samples = seriesIn(open.replaceAll(/ # \{.*$/gm, ""));
    expect(violationsIn(samples)).toEqual([]);
    expect(valueOf(samples, "comptoir_orders_placed_total")).toBe(4);
  });
});
