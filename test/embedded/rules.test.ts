// The rules that hold for the whole API, on a real shop over HTTP.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { rmSync } from "node:fs";
import type { ActionContract } from "../../core/contracts/action.ts";
import { actions } from "../../core/contracts/index.ts";
import type { Problem } from "../../services/gateway/gateway.problems.ts";
import { startShop, type Shop } from "../../scripts/support/shop.ts";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & Partial<Problem>;
}
interface Ask {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const ann = { email: "ann@example.org", password: "battery staple ann", name: "Ann" };
const bob = { email: "bob@example.org", password: "battery staple bob", name: "Bob" };
const price = { amount: 255, currency: "GBP" };

describe("The API", () => {
  let shop: Shop;
  let admin: string;
  let tokens: { readonly ann: string; readonly bob: string };

  async function ask(path: string, { method, token, body, headers = {} }: Ask = {}): Promise<Answer> {
    const answer = await fetch(shop.url + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text === "" ? {} : JSON.parse(text)) as Answer["body"],
    };
  }

  const asAdmin = (path: string, rest: Ask = {}) => ask(path, { token: admin, ...rest });
  const keyed = (key: string) => ({ "idempotency-key": key });
  const orderOf = (sku: string, quantity = 1) => ({
    currency: "GBP",
    lines: [{ sku, quantity }],
    payment: { method: "pm_card_visa" },
  });

  async function registered(person: typeof ann): Promise<string> {
    expect((await ask("/v1/auth/register", { body: person })).status).toBe(201);
    const { email, password } = person;
    return String((await ask("/v1/auth/login", { body: { email, password } })).body["accessToken"]);
  }

  beforeAll(async () => {
    shop = await startShop();
    admin = await shop.adminToken();
    for (const sku of ["A", "B", "C", "D", "E"])
      expect((await asAdmin("/v1/products", { body: { sku, name: `Product ${sku}`, price } })).status).toBe(201);
    await asAdmin("/v1/inventory/A/receipts", { body: { quantity: 100 }, headers: keyed("stock") });
    tokens = { ann: await registered(ann), bob: await registered(bob) };
  });
  afterAll(async () => {
    await shop.kill();
    rmSync(shop.data, { recursive: true });
  });

  it("hides another customer's objects, as if they were not there", async () => {
    const made = await ask("/v1/orders", { token: tokens.ann, body: orderOf("A"), headers: keyed("hers") });
    expect([made.status, made.body["status"]]).toEqual([201, "CONFIRMED"]);
    const { id, customerId, payment } = made.body as unknown as Record<"id" | "customerId", string> & {
      payment: { id: string };
    };
    const hers = [`/v1/orders/${id}`, `/v1/orders/${id}/timeline`, `/v1/customers/${customerId}`];
    for (const path of [...hers, `/v1/payments/${payment.id}`]) {
      expect([path, (await ask(path, { token: tokens.ann })).status]).toEqual([path, 200]);
      expect([path, (await ask(path, { token: tokens.bob })).status]).toEqual([path, 404]);
    }
    const cancel = { token: tokens.bob, body: { reason: "envy" }, headers: keyed("envy") };
    expect(await ask(`/v1/orders/${id}/cancel`, cancel)).toMatchObject({
      status: 404,
      body: { code: "ORDER_NOT_FOUND" },
    });
    const forHer = { token: tokens.bob, body: { ...orderOf("A"), customerId }, headers: keyed("for-her") };
    expect((await ask("/v1/orders", forHer)).status).toBe(404);
    for (const list of ["orders", "payments", "invoices"])
      expect((await ask(`/v1/${list}`, { token: tokens.bob })).body["items"]).toEqual([]);
  });

  it("keeps prices, dates and numbers of orders to who may import", async () => {
    const [line] = orderOf("A").lines;
    const own = [
      { ...orderOf("A"), lines: [{ ...line, unitPrice: { amount: 1, currency: "GBP" } }] },
      { ...orderOf("A"), placedAt: "2010-12-01T08:26:00Z" },
      { ...orderOf("A"), number: "1" },
    ];
    for (const [index, body] of own.entries()) {
      const answer = await ask("/v1/orders", { token: tokens.ann, body, headers: keyed(`cheap-${String(index)}`) });
      expect(answer).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    }
  });

  it("gives a number to one order only, an imported one too", async () => {
    const imported = (key: string) =>
      asAdmin("/v1/orders", { body: { ...orderOf("A"), email: ann.email, number: "536365" }, headers: keyed(key) });
    expect(await imported("first")).toMatchObject({ status: 201, body: { number: "536365" } });
    expect(await imported("second")).toMatchObject({ status: 409, body: { code: "ORDER_NUMBER_EXISTS" } });
    expect(await imported("first")).toMatchObject({ status: 201, body: { number: "536365" } });
  });

  it("answers 403 at every route whose scope the token has not, whatever is sent", async () => {
    const own = JSON.parse(Buffer.from(tokens.ann.split(".")[1] ?? "", "base64url").toString()) as { scope: string };
    const routes = Object.values<ActionContract>(actions).flatMap(({ auth, rest }) =>
      rest === undefined || auth === "public" || auth === "internal" || own.scope.split(" ").includes(auth)
        ? []
        : [rest],
    );
    const refused = [403, "FORBIDDEN"];
    const answers: unknown[] = [];
    for (const { method, path } of routes) {
      const sent = method === "GET" ? {} : { body: {}, headers: keyed(`not ${path}`) };
      const { status, body } = await ask(path.replaceAll(/\{\w+\}/g, "x"), { method, token: tokens.ann, ...sent });
      answers.push([method, path, status, body.code]);
    }
    expect(answers).toEqual(routes.map(({ method, path }) => [method, path, ...refused]));
    expect(routes.map(({ path }) => path)).toContain("/v1/audit");
  });

  it("asks for a payment only when there is something to pay", async () => {
    const gift = { sku: "GIFT", name: "Gift", price: { amount: 0, currency: "GBP" } };
    expect((await asAdmin("/v1/products", { body: gift })).status).toBe(201);
    await asAdmin("/v1/inventory/GIFT/receipts", { body: { quantity: 5 }, headers: keyed("gifts") });
    const order = (sku: string) => ({ currency: "GBP", email: "guest@example.org", lines: [{ sku, quantity: 1 }] });
    const given = await asAdmin("/v1/orders", { body: order("GIFT"), headers: keyed("gift") });
    expect(given).toMatchObject({ status: 201, body: { status: "CONFIRMED", payment: null } });
    const unpaid = await asAdmin("/v1/orders", { body: order("B"), headers: keyed("unpaid") });
    expect(unpaid).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
    expect(unpaid.body.errors?.map(({ pointer }) => pointer)).toEqual(["/payment"]);
  });

  it("makes once what is asked twice with one key, and refuses the key for anything else", async () => {
    const path = "/v1/inventory/A/receipts";
    const first = await asAdmin(path, { body: { quantity: 5, reason: "more" }, headers: keyed("more") });
    const again = await asAdmin(path, { body: { reason: "more", quantity: 5 }, headers: keyed("more") });
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null]);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(again.body).toEqual(first.body);
    const other = await asAdmin(path, { body: { quantity: 6 }, headers: keyed("more") });
    expect(other).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
    const none = await asAdmin(path, { body: { quantity: 6 } });
    expect(none).toMatchObject({ status: 400, body: { code: "IDEMPOTENCY_KEY_REQUIRED" } });
  });

  it("changes an object only for who knows its version, and shows the change at once", async () => {
    const path = "/v1/products/B";
    const { headers } = await ask(path);
    const tag = headers.get("etag") ?? "";
    expect((await ask(path, { headers: { "if-none-match": tag } })).status).toBe(304);
    const patch = { method: "PATCH", body: { name: "Renamed" } };
    expect((await asAdmin(path, patch)).status).toBe(428);
    const changed = await asAdmin(path, { ...patch, headers: { "if-match": tag } });
    expect([changed.status, changed.body["name"]]).toEqual([200, "Renamed"]);
    expect(await asAdmin(path, { ...patch, headers: { "if-match": tag } })).toMatchObject({ status: 412 });
    const now = await ask(path);
    expect([now.headers.get("etag"), now.body["name"]]).toEqual([changed.headers.get("etag"), "Renamed"]);
  });

  it("lists page by page, each thing once, also when others come in between", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Answer = await ask(`/v1/products?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...(page.body["items"] as { sku: string }[]).map(({ sku }) => sku));
      cursor = page.body["nextCursor"] as string | null;
      const between = { sku: `0-${String(seen.length)}`, name: "Between", price };
      await asAdmin("/v1/products", { body: between });
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter(sku => sku.length === 1).sort()).toEqual(["A", "B", "C", "D", "E"]);
  });

  it.each(["limit=0", "limit=101", "limit=x", "cursor=mine", "page=2"])("refuses a list with %s", async query => {
    expect(await ask(`/v1/products?${query}`)).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
  });

  it("answers every error as a problem document with a trace id", async () => {
    const asked = [
      ask("/v1/nothing"),
      ask("/v1/products/NONE"),
      ask("/v1/orders"),
      ask("/v1/products", { method: "DELETE" }),
      ask("/v1/orders", { token: tokens.ann, body: { ...orderOf("NONE") }, headers: keyed("none") }),
    ];
    const answers = await Promise.all(asked);
    expect(answers.map(({ body }) => body.code)).toEqual([
      "ROUTE_NOT_FOUND",
      "PRODUCT_NOT_FOUND",
      "UNAUTHENTICATED",
      "METHOD_NOT_ALLOWED",
      "UNKNOWN_SKU",
    ]);
    for (const { status, headers, body } of answers) {
      expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(body).toMatchObject({ status, title: expect.any(String), traceId: expect.any(String) });
    }
  });
});
