// What the shop promises its buyers, asked of a real process over HTTP.
import { afterEach, describe, expect, it } from "@jest/globals";
import { rmSync } from "node:fs";
import type { Invoice, Payment } from "../../core/contracts/billing.ts";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Order } from "../../core/contracts/order.ts";
import { temporaryFolder, type ShopOptions } from "../../scripts/support/shop.ts";
import type { Client } from "../support/client.ts";
import { openShop, type OpenShop } from "../support/shop-process.ts";

const folders: string[] = [];
const running: OpenShop[] = [];

async function open(options: ShopOptions = {}): Promise<OpenShop> {
  const data = options.data ?? temporaryFolder();
  folders.push(data);
  const opened = await openShop({ ...options, data });
  running.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ shop }) => shop.kill()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function stocked(api: Client, sku: string, quantity: number): Promise<void> {
  await api.post(
    "/v1/products",
    { sku, name: `Product ${sku}`, price: { amount: 255, currency: "GBP" } },
    `product-${sku}`,
  );
  await api.post(`/v1/inventory/${sku}/receipts`, { quantity }, `stock-${sku}`);
}

const orderOf = (sku: string, method = "pm_card_visa", quantity = 1) => ({
  email: "guest@example.org",
  currency: "GBP",
  lines: [{ sku, quantity }],
  payment: { method },
});

const isFinal = (order: Order): boolean => order.status !== "PENDING";

describe("A shop under its buyers", () => {
  it("sells exactly 200 of 200 units to 500 buyers at once and tells the others so", async () => {
    const { api } = await open();
    await stocked(api, "HOT", 200);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, buyer) =>
        api.post<Order>("/v1/orders", orderOf("HOT"), `buyer-${String(buyer)}`),
      ),
    );
    const orders = await Promise.all(
      answers.map(({ body }) => api.until(() => api.get<Order>(`/v1/orders/${body.id}`), isFinal)),
    );
    expect(orders.filter(order => order.status === "CONFIRMED")).toHaveLength(200);
    const refused = orders.filter(order => order.status === "REJECTED");
    expect(new Set(refused.map(order => order.rejection?.code))).toEqual(new Set(["OUT_OF_STOCK"]));
    expect(refused).toHaveLength(300);
    expect(await api.get<StockItem>("/v1/inventory/HOT")).toMatchObject({
      onHand: 200,
      reserved: 0,
      allocated: 200,
      available: 0,
    });
  });

  it("makes one order and one charge of 50 parallel posts with one key", async () => {
    const { api } = await open();
    await stocked(api, "ONCE", 100);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.post<Order>("/v1/orders", orderOf("ONCE"), "the-same-key")),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("idempotency-replayed") === "true")).toHaveLength(49);
    const id = String(answers[0]?.body.id);
    expect(await api.all<Payment>(`/v1/payments?orderId=${id}`)).toMatchObject([
      { status: "CAPTURED", captured: { amount: 255 } },
    ]);
    expect(await api.all<Order>("/v1/orders")).toHaveLength(1);
    expect(await api.get<StockItem>("/v1/inventory/ONCE")).toMatchObject({ allocated: 1, available: 99 });
  });

  it("invoices without a gap and mails what it confirmed", async () => {
    const { api } = await open();
    await stocked(api, "A", 100);
    await Promise.all(Array.from({ length: 30 }, (_, n) => api.post("/v1/orders", orderOf("A"), `order-${String(n)}`)));
    const invoices = await api.until(
      () => api.all<Invoice>("/v1/invoices"),
      all => all.length === 30,
    );
    const numbers = invoices.map(({ number }) => Number(/\d+$/.exec(number)?.[0])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    const mails = await api.until(
      () => api.all<Notification>("/v1/notifications"),
      all => all.filter(mail => mail.status === "DELIVERED").length === 60,
    );
    expect(mails).toHaveLength(60);
  });
});

describe("A shop whose provider misbehaves", () => {
  it.each([
    ["pm_card_chargeDeclined", "REJECTED", "PAYMENT_DECLINED"],
    ["pm_card_chargeDeclinedInsufficientFunds", "REJECTED", "PAYMENT_DECLINED"],
    ["pm_sim_captureFails", "REJECTED", "PAYMENT_DECLINED"],
    ["pm_sim_unknown", "CONFIRMED", undefined],
    ["pm_sim_slow", "CONFIRMED", undefined],
    ["pm_sim_down", "REJECTED", "PAYMENT_UNAVAILABLE"],
  ])("ends an order paid by %s as %s %s, with stock and money where they belong", async (method, status, code) => {
    const { api } = await open({ env: { COMPTOIR_RESERVATION_TTL: "5" } });
    await stocked(api, "A", 10);
    const placed = await api.post<Order>("/v1/orders", orderOf("A", method), "only");
    const order = await api.until(() => api.get<Order>(`/v1/orders/${placed.body.id}`), isFinal);
    expect([order.status, order.rejection?.code]).toEqual([status, code]);
    const kept = status === "CONFIRMED" ? 1 : 0;
    expect(await api.get<StockItem>("/v1/inventory/A")).toMatchObject({
      reserved: 0,
      allocated: kept,
      available: 10 - kept,
    });
    const payments = await api.all<Payment>(`/v1/payments?orderId=${order.id}`);
    expect(payments.map(payment => payment.captured.amount)).toEqual([255 * kept]);
  });
});

describe("A shop that is stopped", () => {
  const POSTS = 80;

  it("answers every request that is on its way, and ends within 5 s", async () => {
    const data = temporaryFolder();
    const first = await open({ data });
    await stocked(first.api, "A", 1_000);
    const answered: Order[] = [];
    let stopped: Promise<number | null> | undefined;
    let began = 0;
    // As many as a slow machine answers in the time that a stop has for them.
    const posts = Array.from({ length: POSTS }, async (_, n) => {
      const { status, body } = await first.api.post<Order>("/v1/orders", orderOf("A"), `order-${String(n)}`);
      expect([201, 202]).toContain(status);
      answered.push(body);
      if (answered.length !== POSTS / 2) return;
      began = Date.now();
      stopped = first.shop.stop();
    });
    await Promise.all(posts);
    expect(await stopped).toBe(0);
    expect(Date.now() - began).toBeLessThan(5_000);

    const { api } = await open({ data });
    const orders = await api.until(
      () => api.all<Order>("/v1/orders"),
      all => all.every(isFinal),
    );
    expect(new Set(orders.map(({ id }) => id))).toEqual(new Set(answered.map(({ id }) => id)));
    expect(await api.get<StockItem>("/v1/inventory/A")).toMatchObject({ reserved: 0, allocated: POSTS });
  });
});

describe("A shop that is killed", () => {
  it("keeps every answered order and ends every unfinished one", async () => {
    const data = temporaryFolder();
    const env = { COMPTOIR_SAGA_LEASE: "1" };
    const first = await open({ data, env });
    await stocked(first.api, "A", 1_000);
    const answered: Order[] = [];
    const posts = Array.from({ length: 200 }, async (_, n) => {
      const answer = await first.api.post<Order>("/v1/orders", orderOf("A"), `order-${String(n)}`).catch(() => null);
      if (answer !== null && answer.status < 300) answered.push(answer.body);
      if (answered.length === 60) first.shop.process.kill("SIGKILL");
    });
    await Promise.all(posts);
    expect(answered.length).toBeGreaterThanOrEqual(60);
    expect(answered.length).toBeLessThan(200);

    const { api } = await open({ data, env });
    for (const order of answered) {
      const now = await api.until(() => api.get<Order>(`/v1/orders/${order.id}`), isFinal);
      if (isFinal(order)) expect(now.status).toBe(order.status);
    }
    const orders = await api.until(
      () => api.all<Order>("/v1/orders"),
      all => all.every(isFinal),
    );
    const confirmed = orders.filter(order => order.status === "CONFIRMED");
    const invoices = await api.until(
      () => api.all<Invoice>("/v1/invoices"),
      all => all.length === confirmed.length,
    );
    expect(new Set(invoices.map(invoice => invoice.orderId))).toEqual(new Set(confirmed.map(order => order.id)));
    expect(await api.get<StockItem>("/v1/inventory/A")).toMatchObject({ reserved: 0, allocated: confirmed.length });
    const payments = await api.all<Payment>("/v1/payments");
    expect(payments.filter(payment => payment.captured.amount > 0)).toHaveLength(confirmed.length);

    // The client that got no answer asks again with its key: nobody is charged twice.
    const again = await Promise.all(
      Array.from({ length: 200 }, (_, n) => api.post<Order>("/v1/orders", orderOf("A"), `order-${String(n)}`)),
    );
    expect(new Set(again.map(({ body }) => body.id)).size).toBe(200);
    await api.until(
      () => api.all<Order>("/v1/orders"),
      all => all.length === 200 && all.every(order => order.status === "CONFIRMED"),
    );
    expect(await api.get<StockItem>("/v1/inventory/A")).toMatchObject({ reserved: 0, allocated: 200, available: 800 });
  });
});
