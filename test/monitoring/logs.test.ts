// What a real shop logs: each change once, whose trace and order it belongs to, and nothing that anybody typed.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import type { Result } from "../../core/contracts/index.ts";
import type { Order } from "../../core/contracts/order.ts";
import { ADMIN, temporaryFolder, type Shop } from "../../scripts/support/shop.ts";
import type { Client } from "../support/client.ts";
import { SAMPLE } from "../support/imported.ts";
import { order, stocked } from "../support/market.ts";
import { ended, openShop, startImport } from "../support/shop-process.ts";

type Line = Readonly<Record<string, unknown>>;
type Levels = Result<"v1.registry.logLevels">;

const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .filter(line => line.startsWith("{"))
    .map(line => JSON.parse(line) as Line);

const data = temporaryFolder();
let shop: Shop;
let api: Client;

beforeAll(async () => {
  ({ shop, api } = await openShop({ data, env: { COMPTOIR_LOG_LEVEL: "info" } }));
  await stocked(api);
}, 120_000);
afterAll(async () => {
  await shop.kill();
  rmSync(data, { recursive: true });
});

/** The lines of a trace, once there is one that says this. */
async function linesUntil(traceId: string, isThere: (lines: readonly Line[]) => boolean): Promise<Line[]> {
  // Only these are read: there may be a hundred thousand others.
  const own = () =>
    linesOf(
      shop
        .log()
        .split("\n")
        .filter(line => line.includes(traceId))
        .join("\n"),
    );
  return api.until(() => Promise.resolve(own()), isThere);
}

const post = (path: string, body: unknown, headers: Record<string, string>) =>
  fetch(`${shop.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

function newTrace(): { traceId: string; traceparent: string } {
  const traceId = randomUUID().replaceAll("-", "");
  return { traceId, traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
}

describe("At the default level", () => {
  it("an order has a line for each thing that happened to it, in its trace, and reading it has none", async () => {
    const { traceId, traceparent } = newTrace();
    const authorization = `Bearer ${await shop.adminToken()}`;
    const answer = await post("/v1/orders", order, { authorization, traceparent, "idempotency-key": "logged" });
    const { id } = (await answer.json()) as Order;
    const lines = await linesUntil(traceId, seen => seen.some(({ msg }) => msg === "invoice.issued.v1"));
    const count = (msg: string) => lines.filter(line => line["msg"] === msg).length;
    for (const msg of [
      "order.placed.v1",
      "stock.reserved.v1",
      "stock.committed.v1",
      "payment.captured.v1",
      "order.confirmed.v1",
      "invoice.issued.v1",
    ])
      expect([msg, count(msg)]).toEqual([msg, 1]);
    const placed = lines.find(({ msg }) => msg === "order.placed.v1");
    expect(placed).toMatchObject({ level: "info", svc: "order", orderId: id, seq: 1, action: "v1.order.place" });

    const reading = newTrace();
    const read = await fetch(`${shop.url}/v1/orders/${id}`, {
      headers: { authorization, traceparent: reading.traceparent },
    });
    expect(read.status).toBe(200);
    const after = newTrace();
    await post("/v1/orders", {}, { authorization, traceparent: after.traceparent, "idempotency-key": "refused" });
    const [refused] = await linesUntil(after.traceId, seen => seen.length > 0);
    expect(refused).toMatchObject({ level: "info", msg: "A request was refused", code: "VALIDATION_FAILED" });
    expect(refused).toMatchObject({ method: "POST", route: "/v1/orders" });
    // What was read before it was refused would stand above it.
    expect(linesOf(shop.log()).filter(line => line["traceId"] === reading.traceId)).toEqual([]);
  });
});

describe("An id that may be somebody's address", () => {
  it("stands in no line", async () => {
    const { traceId, traceparent } = newTrace();
    const authorization = `Bearer ${await shop.adminToken()}`;
    const product = { sku: "ann@localhost", name: "B", price: { amount: 1, currency: "GBP" } };
    expect((await post("/v1/products", product, { authorization, traceparent })).status).toBe(201);
    const lines = await linesUntil(traceId, seen => seen.some(({ msg }) => msg === "product.created.v1"));
    expect(lines.filter(line => "sku" in line)).toEqual([]);
  });
});

describe("The levels", () => {
  it("change at run time, for one module or all, say so, and go back", async () => {
    const set = (change: object) => api.post<Levels>("/v1/log-levels", change, randomUUID());
    const levels = async () =>
      (await api.get<Levels>("/v1/log-levels")).items.map(({ level, modules }) => ({ level, modules }));
    const isLogged = async (): Promise<boolean> => {
      const { traceId, traceparent } = newTrace();
      await fetch(`${shop.url}/v1/products/nothing`, { headers: { traceparent } });
      const mark = newTrace();
      const authorization = `Bearer ${await shop.adminToken()}`;
      await post(
        "/v1/products",
        { sku: mark.traceId, name: "B", price: { amount: 1, currency: "GBP" } },
        { authorization, traceparent: mark.traceparent },
      );
      await linesUntil(mark.traceId, seen => seen.length > 0);
      return linesOf(shop.log()).some(line => line["traceId"] === traceId);
    };
    expect(await levels()).toEqual([{ level: "info", modules: [] }]);
    expect(await isLogged()).toBe(false);

    expect((await set({ level: "debug", module: "gateway" })).status).toBe(200);
    expect(await levels()).toEqual([{ level: "info", modules: [{ module: "gateway", level: "debug" }] }]);
    expect(await isLogged()).toBe(true);

    await set({ level: "default", module: "gateway" });
    expect(await isLogged()).toBe(false);

    const unknown = await set({ level: "debug", module: "gatway" });
    expect([unknown.status, JSON.stringify(unknown.body)]).toEqual([422, expect.stringContaining("gateway")]);
    expect((await set({ level: "loud" })).status).toBe(422);
    const said = linesOf(shop.log()).filter(({ msg }) => msg === "The log level was changed");
    expect(said).toMatchObject([
      { module: "gateway", before: "info", now: "debug" },
      { module: "gateway", before: "debug", now: "info" },
    ]);
  });
});

describe("At the lowest level", () => {
  it("no line of an import, of logins and of guests' orders has an address, password, token or payment method in it", async () => {
    await api.post("/v1/log-levels", { level: "trace" }, "all");
    const token = await shop.adminToken();
    const authorization = `Bearer ${token}`;
    const key = () => ({ authorization, "idempotency-key": randomUUID() });
    const secrets = ["Tr0ub4dor&3-forgotten", "visa-4242424242424242", "eve.mallory@example.org", "Eve Mallory"];
    const [password = "", method = "", email = "", name = ""] = secrets;
    const guest = "guest@example.org";

    const imported = await ended(startImport(shop, SAMPLE));
    expect(imported.code).toBe(0);
    for (const attempt of [
      { email, password },
      { email: ADMIN.email, password },
      { email: password, password: email },
    ])
      expect((await post("/v1/auth/login", attempt, {})).status).toBeGreaterThanOrEqual(400);
    expect((await post("/v1/auth/register", { email, password, name }, {})).status).toBe(201);
    expect((await post("/v1/auth/register", { email, password, name }, {})).status).toBe(409);
    expect((await post("/v1/auth/login", { email, password }, {})).status).toBe(200);
    for (const paid of ["pm_card_visa", "pm_card_chargeDeclined", method])
      await post("/v1/orders", { ...order, email, payment: { method: paid } }, key());
    await post("/v1/orders", `{"email":"${email}","payment":{"method":"${method}"`, key());
    await post("/v1/orders", { ...order, email: `${email} `, customerId: email, [password]: method }, key());
    await post("/v1/orders", order, { authorization: `Bearer ${token.slice(0, -4)}`, "idempotency-key": email });
    await fetch(`${shop.url}/v1/customers/${encodeURIComponent(email)}`, { headers: { authorization } });
    await fetch(`${shop.url}/v1/customers?q=${encodeURIComponent(email)}`, { headers: { authorization } });
    await fetch(`${shop.url}/v1/${encodeURIComponent(email)}?token=${token}`, { headers: { "x-request-id": email } });
    const mark = newTrace();
    await post("/v1/orders", {}, { ...key(), traceparent: mark.traceparent });
    await linesUntil(mark.traceId, seen => seen.length > 0);

    const log = shop.log();
    expect(linesOf(log).length).toBeGreaterThan(10_000);
    const sent = [...secrets, guest, ADMIN.email, ADMIN.password, token, token.slice(0, 40), "pm_card"];
    const told = sent.flatMap(text => {
      const at = log.indexOf(text);
      return at === -1 ? [] : [{ text, line: log.slice(log.lastIndexOf("\n", at) + 1, log.indexOf("\n", at)) }];
    });
    expect(told).toEqual([]);
  }, 900_000);
});
