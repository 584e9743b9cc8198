// The common rules of the REST contract, over real HTTP, with stub services behind the gateway.
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Errors } from "moleculer";
import { fail } from "../../core/errors.ts";
import type { Order } from "../../core/contracts/order.ts";
import type { Product } from "../../core/contracts/product.ts";
import type { Request } from "../../core/request.ts";
import { systemClock } from "../../core/system.ts";
import { addStubs, signer, staff, startGateway, type TestGateway } from "../support/gateway.ts";

const money = (amount: number) => ({ amount, currency: "GBP" });
const product: Product = {
  sku: "BANK CHARGES",
  name: "Bank charges",
  price: money(15),
  taxRate: 0,
  status: "ACTIVE",
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  version: 3,
};
const order = (changes: Partial<Order> = {}): Order => ({
  id: "o/1",
  number: "1",
  status: "CONFIRMED",
  paymentStatus: "CAPTURED",
  fulfillmentStatus: "UNFULFILLED",
  customerId: "c1",
  email: null,
  currency: "GBP",
  lines: [],
  totals: { net: money(0), tax: money(0), gross: money(0) },
  payment: null,
  invoiceId: null,
  rejection: null,
  shipments: [],
  returns: [],
  placedAt: "2026-01-01T00:00:00.000Z",
  createdAt: "2026-01-01T00:00:00.000Z",
  version: 7,
  ...changes,
});
const asked = {
  currency: "GBP",
  email: "a@example.org",
  lines: [{ sku: "A", quantity: 1 }],
  payment: { method: "pm" },
};
const key = { "idempotency-key": "k-1" };

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly traceId: string;
  readonly errors?: { pointer: string; message: string }[];
}
const problem = async (response: Response): Promise<Problem> => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as Problem;
};
const codeOf = async (response: Response) => [response.status, (await problem(response)).code];
const pointersOf = async (response: Response) => {
  const { code, errors = [] } = await problem(response);
  expect(code).toBe("VALIDATION_FAILED");
  return errors.map(({ pointer }) => pointer).sort();
};

let gateway: TestGateway;
/** Calls that reached a service, newest last. */
let calls: { params: unknown; request: Request }[];
const seen =
  <T>(answer: T) =>
  (params: unknown, request: Request): T => {
    calls.push({ params, request });
    return answer;
  };

beforeEach(async () => {
  calls = [];
  gateway = await startGateway({
    "v1.product.get": seen(product),
    "v1.product.list": seen({ items: [product], nextCursor: null }),
    "v1.product.create": seen({ replayed: false, resource: product }),
    "v1.product.change": seen({ ...product, version: 4 }),
    "v1.order.place": seen({ replayed: false, resource: order() }),
    "v1.order.get": seen(order()),
    "v1.order.list": seen({ items: [], nextCursor: null }),
    "v1.order.cancel": seen({ replayed: false, resource: order({ status: "CANCELLED" }) }),
    "v1.account.login": seen({ accessToken: "t", tokenType: "Bearer", expiresIn: 900 }),
  });
});
afterEach(() => gateway.stop());

const place = async (body: unknown, headers: Record<string, string> = key) =>
  gateway.send("POST", "/v1/orders", body, { ...(await gateway.bearer("orders:write")), ...headers });

describe("who asks", () => {
  it("answers 401 with WWW-Authenticate when a token is needed and there is none", async () => {
    const response = await gateway.get("/v1/orders/1");
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await codeOf(response)).toEqual([401, "UNAUTHENTICATED"]);
    expect(calls).toEqual([]);
  });

  it.each([
    ["another scheme", () => "Basic YTpi"],
    ["no JWT at all", () => "Bearer nonsense"],
    ["an expired one", async () => `Bearer ${await gateway.signer.sign(staff("orders:read"), { expiresAt: 1 })}`],
    ["another issuer's", async () => `Bearer ${await gateway.signer.sign(staff("orders:read"), { issuer: "x" })}`],
    [
      "for another audience",
      async () => `Bearer ${await gateway.signer.sign(staff("orders:read"), { audience: "x" })}`,
    ],
    ["signed by a stranger", async () => `Bearer ${await (await signer("first")).sign(staff("orders:read"))}`],
    ["with an unknown key id", async () => `Bearer ${await (await signer("other")).sign(staff("orders:read"))}`],
  ])("answers 401 to a bad token: %s", async (_, authorization) => {
    const response = await gateway.get("/v1/orders/1", { authorization: await authorization() });
    expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(await codeOf(response)).toEqual([401, "UNAUTHENTICATED"]);
  });

  it("does not mind a bad token where none is needed", async () => {
    expect((await gateway.get("/v1/products", { authorization: "Bearer nonsense" })).status).toBe(200);
  });

  it("answers 403 to a token without the scope, before it looks at the body", async () => {
    const response = await gateway.send("POST", "/v1/orders", "{", await gateway.bearer("orders:read"));
    expect(await codeOf(response)).toEqual([403, "FORBIDDEN"]);
  });

  it("tells the service who asks, from the token", async () => {
    const customer = { kind: "user", id: "u1", scopes: ["orders:read"], customerId: "c1" } as const;
    await gateway.get("/v1/orders/1", { authorization: `Bearer ${await gateway.signer.sign(customer)}` });
    expect(calls[0]?.request.principal).toEqual(customer);
  });

  it("fetches the keys once, and again for a key id it does not know", async () => {
    const second = await signer("second");
    let fetches = 0;
    const keys = [await gateway.signer.jwk()];
    gateway.stubs["v1.account.jwks"] = () => {
      fetches += 1;
      return { keys };
    };
    const bearer = await gateway.bearer("orders:read");
    await gateway.get("/v1/orders/1", bearer);
    await gateway.get("/v1/orders/1", bearer);
    expect(fetches).toBe(1);
    keys.push(await second.jwk());
    const rotated = { authorization: `Bearer ${await second.sign(staff("orders:read"))}` };
    let status = 0;
    for (const end = Date.now() + 5_000; status !== 200 && Date.now() < end;) {
      status = (await gateway.get("/v1/orders/1", rotated)).status;
    }
    expect(status).toBe(200);
    expect(fetches).toBe(2);
  });

  it("answers 503, not 401, while the keys cannot be had", async () => {
    gateway.stubs["v1.account.jwks"] = () => {
      throw new Errors.ServiceNotAvailableError({ action: "v1.account.jwks" });
    };
    const response = await gateway.get("/v1/orders/1", await gateway.bearer("orders:read"));
    expect(await codeOf(response)).toEqual([503, "SERVICE_UNAVAILABLE"]);
  });

  it("publishes the signing keys", async () => {
    const response = await gateway.get("/.well-known/jwks.json");
    expect(await response.json()).toEqual({ keys: [await gateway.signer.jwk()] });
  });
});

describe("bodies", () => {
  it("answers 400 to a body that is not JSON", async () => {
    expect(await codeOf(await place("{"))).toEqual([400, "MALFORMED_JSON"]);
    expect(await codeOf(await place(Uint8Array.of(0x22, 0xff, 0x22)))).toEqual([400, "MALFORMED_JSON"]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx"])(
    "answers 415 to %s",
    async type => {
      expect(await codeOf(await place("{}", { ...key, "content-type": type }))).toEqual([
        415,
        "UNSUPPORTED_MEDIA_TYPE",
      ]);
    },
  );

  it("answers 415 to a compressed body", async () => {
    const response = await place("{}", { ...key, "content-encoding": "gzip" });
    expect(await codeOf(response)).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  });

  it("takes UTF-8 said aloud", async () => {
    expect((await place(asked, { ...key, "content-type": "application/json; charset=UTF-8" })).status).toBe(201);
  });

  it("answers 413 above 1 MiB, whether the length is announced or not, and goes on with the connection", async () => {
    const large = JSON.stringify({ ...asked, number: "x".repeat(1024 * 1024) });
    expect(await codeOf(await place(large))).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    const chunked = await fetch(`${gateway.url}/v1/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", ...key, ...(await gateway.bearer("orders:write")) },
      body: new Blob([large]).stream(),
      duplex: "half",
    });
    expect(await codeOf(chunked)).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect((await gateway.get("/v1/products")).status).toBe(200);
  });

  it("takes a body of exactly 1 MiB", async () => {
    const empty = JSON.stringify({ ...asked, padding: "" });
    const body = JSON.stringify({ ...asked, padding: "x".repeat(1024 * 1024 - empty.length) });
    expect(await pointersOf(await place(body))).toEqual(["/padding"]);
  });
});

describe("what does not fit the schema is 422 with JSON pointers", () => {
  it.each([
    ["a wrong value", { ...asked, lines: [{ sku: "A", quantity: 0 }] }, ["/lines/0/quantity"]],
    ["text for a number", { ...asked, lines: [{ sku: "A", quantity: "1" }] }, ["/lines/0/quantity"]],
    ["an unknown field", { ...asked, status: "CONFIRMED" }, ["/status"]],
    ["an unknown field inside", { ...asked, lines: [{ sku: "A", quantity: 1, "a/b": 1 }] }, ["/lines/0/a~1b"]],
    ["missing fields", { email: "a@example.org" }, ["/currency", "/lines"]],
    ["several mistakes", { ...asked, currency: "pounds", lines: [] }, ["/currency", "/lines"]],
    ["no object", [asked], [""]],
    ["a format", { ...asked, email: "nobody" }, ["/email"]],
  ])("%s", async (_, body, pointers) => {
    const response = await place(body);
    expect(response.status).toBe(422);
    expect(await pointersOf(response)).toEqual(pointers);
    expect(calls).toEqual([]);
  });

  it("refuses fields that would reach the prototype", async () => {
    const text = JSON.stringify(asked);
    for (const name of ["__proto__", "constructor", "prototype"]) {
      expect(await pointersOf(await place(text.replace("{", `{"${name}":{"admin":true},`)))).toEqual([`/${name}`]);
    }
  });

  it("refuses a body field that the path has named", async () => {
    const bearer = await gateway.bearer("orders:write");
    const response = await gateway.send("POST", "/v1/orders/1/cancel", { id: "2", reason: "x" }, { ...bearer, ...key });
    expect(await pointersOf(response)).toEqual(["/id"]);
  });

  it("takes a request without a body for an empty object", async () => {
    const response = await fetch(`${gateway.url}/v1/orders/1/cancel`, {
      method: "POST",
      headers: { ...(await gateway.bearer("orders:write")), ...key },
    });
    expect(await pointersOf(response)).toEqual(["/reason"]);
  });

  it.each([
    ["?limit=0", ["/limit"]],
    ["?limit=ten", ["/limit"]],
    ["?limit=", ["/limit"]],
    ["?limit=1&limit=2", ["/limit"]],
    ["?page=2", ["/page"]],
    ["?__proto__=1", ["/__proto__"]],
    ["?status[$ne]=ACTIVE", ["/status[$ne]"]],
  ])("refuses the query %s", async (query, pointers) => {
    expect(await pointersOf(await gateway.get(`/v1/products${query}`))).toEqual(pointers);
  });

  it("refuses a query where the body speaks", async () => {
    const bearer = await gateway.bearer("orders:write");
    const response = await gateway.send("POST", "/v1/orders?dryRun=true", asked, { ...bearer, ...key });
    expect(await pointersOf(response)).toEqual(["/dryRun"]);
  });

  it("makes numbers of a query's digits and leaves text alone", async () => {
    await gateway.get("/v1/products?limit=5&q=42&cursor=7");
    expect(calls[0]?.params).toEqual({ limit: 5, q: "42", cursor: "7" });
  });

  it("takes an empty filter for none, as forms send it", async () => {
    await gateway.get("/v1/products?q=&status=&limit=5&cursor=");
    expect(calls[0]?.params).toEqual({ limit: 5 });
  });

  it("decodes the path", async () => {
    await gateway.get("/v1/products/BANK%20CHARGES");
    await gateway.get("/v1/products/a%2Fb");
    expect(calls.map(({ params }) => params)).toEqual([{ sku: "BANK CHARGES" }, { sku: "a/b" }]);
  });
});

describe("addresses and methods", () => {
  it.each([
    "/",
    "/v1",
    "//v1/orders",
    "/v1//orders",
    "/v1/nothing",
    "/v1/products/a/b",
    "/V1/products",
    "/v1/order/place",
    "/v1.order.get",
    "/~node/list",
  ])("answers 404 at %s", async path => {
    expect(await codeOf(await gateway.get(path))).toEqual([404, "ROUTE_NOT_FOUND"]);
  });

  it("answers 404 to a path that cannot be decoded", async () => {
    expect(await codeOf(await gateway.get("/v1/products/%E0%A4%A"))).toEqual([404, "ROUTE_NOT_FOUND"]);
  });

  it.each([
    ["DELETE", "/v1/products/a", "GET, HEAD, PATCH"],
    ["PUT", "/v1/products", "GET, HEAD, POST"],
    ["GET", "/v1/auth/login", "POST"],
    ["POST", "/openapi.json", "GET, HEAD"],
    ["OPTIONS", "/v1/orders", "POST, GET, HEAD"],
  ])("answers 405 with Allow to %s %s", async (method, path, allow) => {
    const response = await fetch(`${gateway.url}${path}`, { method });
    expect(response.headers.get("allow")?.split(", ").sort()).toEqual(allow.split(", ").sort());
    expect(await codeOf(response)).toEqual([405, "METHOD_NOT_ALLOWED"]);
  });

  it("answers HEAD as GET, without the body", async () => {
    const [head, get] = await Promise.all([
      fetch(`${gateway.url}/v1/products/A`, { method: "HEAD" }),
      gateway.get("/v1/products/A"),
    ]);
    expect(await head.text()).toBe("");
    for (const name of ["etag", "content-length", "content-type", "cache-control"]) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect(head.status).toBe(200);
  });

  it("answers a preflight without running what it asks about, and lets no origin in", async () => {
    const response = await fetch(`${gateway.url}/v1/orders`, {
      method: "OPTIONS",
      headers: {
        origin: "https://example.org",
        "access-control-request-method": "POST",
        ...key,
        ...(await gateway.bearer("orders:write")),
      },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(calls).toEqual([]);
  });
});

describe("Idempotency-Key", () => {
  it("is required where a repeat would do it twice", async () => {
    expect(await codeOf(await place(asked, {}))).toEqual([400, "IDEMPOTENCY_KEY_REQUIRED"]);
  });

  it.each([
    ["", "empty"],
    ["a b", "with a space"],
    ["k".repeat(256), "too long"],
    ["é", "not ASCII"],
  ])("is refused when it is %j (%s)", async value => {
    expect(await codeOf(await place(asked, { "idempotency-key": value }))).toEqual([400, "IDEMPOTENCY_KEY_INVALID"]);
  });

  it("is optional elsewhere, and passed on when it is there", async () => {
    const bearer = await gateway.bearer("products:write");
    const body = { sku: "A", name: "A", price: money(1) };
    await gateway.send("POST", "/v1/products", body, bearer);
    await gateway.send("POST", "/v1/products", body, { ...bearer, "idempotency-key": "k".repeat(255) });
    expect(calls.map(({ request }) => request.idempotency?.key)).toEqual([undefined, "k".repeat(255)]);
  });

  it("comes with a fingerprint: the same for the same request in another order, another for any other request", async () => {
    const fingerprints = async (...requests: (() => Promise<Response>)[]) => {
      calls = [];
      for (const request of requests) expect((await request()).status).toBeLessThan(300);
      return new Set(calls.map(({ request }) => request.idempotency?.fingerprint)).size;
    };
    const bearer = { ...(await gateway.bearer("orders:write")), ...key };
    const cancel = (id: string) => () => gateway.send("POST", `/v1/orders/${id}/cancel`, { reason: "late" }, bearer);
    const reordered = Object.fromEntries(Object.entries(asked).reverse());
    expect(
      await fingerprints(
        () => place(asked),
        () => place(reordered),
      ),
    ).toBe(1);
    expect(
      await fingerprints(
        () => place(asked),
        () => place({ ...asked, currency: "EUR" }),
      ),
    ).toBe(2);
    expect(await fingerprints(cancel("1"), cancel("2"))).toBe(2);
    expect(calls[0]?.request.idempotency?.fingerprint).toMatch(/^[\w-]{43}$/);
  });

  it("says when the key came before", async () => {
    gateway.stubs["v1.order.place"] = () => ({ replayed: true, resource: order() });
    const response = await place(asked);
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    expect([response.status, await response.json()]).toEqual([201, order()]);
  });

  it("says nothing of it the first time", async () => {
    expect((await place(asked)).headers.get("idempotency-replayed")).toBeNull();
  });
});

describe("answers", () => {
  it("is 201 with the Location and the ETag of the order in its final state", async () => {
    const response = await place(asked);
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe("/v1/orders/o%2F1");
    expect(response.headers.get("etag")).toBe('"7"');
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual(order());
  });

  it("is 202 with a Location while the order is PENDING", async () => {
    gateway.stubs["v1.order.place"] = () => ({ replayed: false, resource: order({ status: "PENDING" }) });
    const response = await place(asked);
    expect([response.status, response.headers.get("location")]).toEqual([202, "/v1/orders/o%2F1"]);
  });

  it("is 200 for a command that makes nothing", async () => {
    const bearer = await gateway.bearer("orders:write");
    const response = await gateway.send("POST", "/v1/orders/1/cancel", { reason: "x" }, { ...bearer, ...key });
    expect([response.status, response.headers.get("location")]).toEqual([200, null]);
  });

  it.each([
    ["wait=5", 5000, "wait=5"],
    ["respond-async, wait=0", 0, "wait=0"],
    ["wait=60", 10_000, "wait=10"],
    ["wait=soon", 2000, null],
  ])("waits as Prefer: %s says", async (prefer, wait, applied) => {
    const response = await place(asked, { ...key, prefer });
    expect(calls[0]?.request.wait).toBe(wait);
    expect(response.headers.get("preference-applied")).toBe(applied);
  });

  it("gives the service a deadline", async () => {
    await place(asked);
    const left = (calls[0]?.request.deadline ?? 0) - Date.now();
    expect(left).toBeGreaterThan(10_000);
    expect(left).toBeLessThanOrEqual(15_000);
  });

  it("carries the security headers, on errors too", async () => {
    for (const response of [await gateway.get("/v1/products"), await gateway.get("/nothing")]) {
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("x-powered-by")).toBeNull();
    }
  });
});

describe("versions", () => {
  it("gives one object a strong ETag, and 304 to who holds it", async () => {
    const response = await gateway.get("/v1/products/A");
    expect(response.headers.get("etag")).toBe('"3"');
    for (const held of ['"3"', 'W/"3"', '"1", W/"3"', "*"]) {
      const again = await gateway.get("/v1/products/A", { "if-none-match": held });
      expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, '"3"', ""]);
    }
    expect((await gateway.get("/v1/products/A", { "if-none-match": '"2"' })).status).toBe(200);
  });

  it("lets caches keep the catalogue but ask, and nobody share what is private", async () => {
    const list = await gateway.get("/v1/products");
    expect(list.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    const tag = list.headers.get("etag") ?? "";
    expect((await gateway.get("/v1/products", { "if-none-match": tag })).status).toBe(304);
    const own = await gateway.get("/v1/orders/1", await gateway.bearer("orders:read"));
    expect(own.headers.get("cache-control")).toBe("private, no-cache");
  });

  const change = async (headers: Record<string, string>) =>
    gateway.send("PATCH", "/v1/products/A", { name: "B" }, { ...(await gateway.bearer("products:write")), ...headers });

  it("asks a change for the version that it was decided on", async () => {
    expect(await codeOf(await change({}))).toEqual([428, "PRECONDITION_REQUIRED"]);
    for (const tag of ["3", 'W/"3"', '"x"', '"3", "4"']) {
      expect(await codeOf(await change({ "if-match": tag }))).toEqual([412, "PRECONDITION_FAILED"]);
    }
    expect(calls).toEqual([]);
  });

  it("passes the version on, and answers with the new object and its ETag", async () => {
    const response = await change({ "if-match": '"3"' });
    expect(calls[0]?.request.ifMatch).toBe(3);
    expect(calls[0]?.params).toEqual({ sku: "A", name: "B" });
    expect([response.status, response.headers.get("etag")]).toEqual([200, '"4"']);
    expect(await response.json()).toEqual({ ...product, version: 4 });
  });
});

describe("errors", () => {
  it("are problem documents with the catalogue's code, status and title", async () => {
    gateway.stubs["v1.order.get"] = () => {
      throw fail("ORDER_NOT_FOUND", "There is no order 1");
    };
    const response = await gateway.get("/v1/orders/1", {
      ...(await gateway.bearer("orders:read")),
      "x-request-id": "trace-0001",
    });
    expect(response.status).toBe(404);
    expect(await problem(response)).toEqual({
      type: "https://comptoir.dev/problems/order-not-found",
      title: "No such order",
      status: 404,
      detail: "There is no order 1",
      code: "ORDER_NOT_FOUND",
      traceId: expect.stringMatching(/^[\da-f]{32}$/),
    });
    expect(response.headers.get("x-request-id")).toBe("trace-0001");
  });

  it("do not take any text for a request id: it is the trace's then", async () => {
    const response = await gateway.get("/nothing", { "x-request-id": "<script>alert(1)</script>" });
    const requestId = response.headers.get("x-request-id");
    expect((await problem(response)).traceId).toBe(requestId);
  });

  it("say nothing of what went wrong inside", async () => {
    const inner = [
      () => new Error("password=hunter2"),
      () => new TypeError("password=hunter2"),
      () => new Errors.MoleculerError("password=hunter2", 409, "SOMETHING", { password: "hunter2" }),
      () => new Errors.ValidationError("password=hunter2", "", [{ action: "v1.other.action", pointer: "/hunter2" }]),
      () => fail("INTERNAL_ERROR", "password=hunter2"),
    ];
    for (const make of inner) {
      gateway.stubs["v1.product.get"] = () => {
        throw make();
      };
      const response = await gateway.get("/v1/products/A");
      expect(response.status).toBe(500);
      const text = await response.text();
      expect(text).toContain("INTERNAL_ERROR");
      expect(text).not.toContain("hunter2");
    }
  });

  it("carry only pointer and message of each mistake, and none of the refusal's other data", async () => {
    gateway.stubs["v1.product.get"] = () => {
      const errors = [{ pointer: "/sku", message: "no", nodeID: "secret-node" }];
      throw fail("VALIDATION_FAILED", "No", { errors, internal: "secret" });
    };
    const response = await gateway.get("/v1/products/A");
    const { errors } = await problem(response.clone());
    expect(errors).toEqual([{ pointer: "/sku", message: "no" }]);
    expect(await response.text()).not.toContain("secret");
  });

  it("say when to come back", async () => {
    for (const [error, seconds] of [
      [fail("EVENT_BACKLOG", "Full", { retryAfter: 7 }), "7"],
      [fail("OUTCOME_UNKNOWN", "Unknown"), "1"],
      [fail("IDEMPOTENCY_KEY_IN_FLIGHT", "Running"), "1"],
      [fail("OUT_OF_STOCK", "None"), null],
    ] as const) {
      gateway.stubs["v1.order.place"] = () => {
        throw error;
      };
      expect((await place(asked)).headers.get("retry-after")).toBe(seconds);
    }
  });

  it("are 503 with Retry-After when a service is missing", async () => {
    const response = await gateway.get("/v1/payments", await gateway.bearer("billing:read"));
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await codeOf(response)).toEqual([503, "SERVICE_UNAVAILABLE"]);
  });

  it.each<[string, Error]>([
    ["missing further down", new Errors.ServiceNotFoundError({ action: "v1.x.y" })],
    ["behind an open circuit", new Errors.ServiceNotAvailableError({ action: "v1.x.y" })],
    ["too slow", new Errors.RequestTimeoutError({ action: "v1.x.y", nodeID: "n" })],
    ["too busy", new Errors.QueueIsFullError({ action: "v1.x.y", nodeID: "n", size: 1, limit: 1 })],
    ["gone while it worked", new Errors.RequestRejectedError({ action: "v1.x.y", nodeID: "n" })],
  ])("are 503 when a service is %s", async (_, error) => {
    gateway.stubs["v1.product.get"] = () => {
      throw error;
    };
    const response = await gateway.get("/v1/products/A");
    expect(await codeOf(response)).toEqual([503, "SERVICE_UNAVAILABLE"]);
  });

  it("are 422 when the service's own validation refuses, which here takes a hole in the gateway's", async () => {
    gateway.stubs["v1.product.get"] = () => {
      const data = [{ action: "v1.product.get", nodeID: "n", pointer: "/sku", message: "is odd" }];
      throw new Errors.ValidationError("Parameters validation error!", "", data);
    };
    const { code, errors } = await problem(await gateway.get("/v1/products/A"));
    expect([code, errors]).toEqual(["VALIDATION_FAILED", [{ pointer: "/sku", message: "is odd" }]]);
  });
});

describe("too many requests", () => {
  const limited = async (changes: { rateLimit: number }) => {
    await gateway.stop();
    gateway = await startGateway(gateway.stubs, changes);
  };

  it("are 429 with Retry-After and the limit's state, per address", async () => {
    await limited({ rateLimit: 2 });
    const first = await gateway.get("/v1/products");
    expect(first.headers.get("ratelimit-limit")).toBe("2");
    expect(first.headers.get("ratelimit-remaining")).toBe("1");
    await gateway.get("/v1/products");
    const refused = await gateway.get("/v1/products", { "x-forwarded-for": "192.0.2.1" });
    expect(await codeOf(refused)).toEqual([429, "TOO_MANY_REQUESTS"]);
    expect(refused.headers.get("ratelimit-remaining")).toBe("0");
    for (const name of ["retry-after", "ratelimit-reset"]) {
      expect(Number(refused.headers.get(name))).toBeGreaterThan(0);
      expect(Number(refused.headers.get(name))).toBeLessThanOrEqual(60);
    }
  });

  it("are counted per principal, and not for who imports", async () => {
    await limited({ rateLimit: 1 });
    const [reader, importer] = [
      await gateway.bearer("orders:read"),
      await gateway.bearer("orders:read", "orders:import"),
    ];
    await gateway.get("/v1/products");
    const statuses = async (headers: Record<string, string>) => [
      (await gateway.get("/v1/orders/1", headers)).status,
      (await gateway.get("/v1/orders/1", headers)).status,
    ];
    expect(await statuses(reader)).toEqual([200, 429]);
    expect(await statuses(importer)).toEqual([200, 200]);
  });

  const login = (email: string) => gateway.send("POST", "/v1/auth/login", { email, password: "secret-password" });

  it("are failed logins with one e-mail address; a success forgets them", async () => {
    const working = gateway.stubs["v1.account.login"];
    const failing = () => {
      throw fail("UNAUTHENTICATED", "Wrong e-mail or password");
    };
    const failTimes = async (times: number) => {
      for (let time = 0; time < times; time += 1) expect((await login("a@example.org")).status).toBe(401);
    };
    gateway.stubs["v1.account.login"] = failing;
    await failTimes(9);
    if (working !== undefined) gateway.stubs["v1.account.login"] = working;
    expect((await login("a@example.org")).status).toBe(200);
    gateway.stubs["v1.account.login"] = failing;
    await failTimes(10);
    const refused = await login("A@example.org");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
    expect(await codeOf(refused)).toEqual([429, "TOO_MANY_REQUESTS"]);
    expect((await login("b@example.org")).status).toBe(401);
  });
});

describe("the document and the registry", () => {
  it("serves the OpenAPI document with an ETag", async () => {
    const response = await gateway.get("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toMatchObject({ openapi: "3.1.0" });
    const held = { "if-none-match": response.headers.get("etag") ?? "" };
    expect((await gateway.get("/openapi.json", held)).status).toBe(304);
  });

  it("serves a page to read, which may load nothing", async () => {
    const response = await gateway.get("/docs");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*style-src 'sha256-/);
    const text = await response.text();
    expect(text).toContain("<b>POST</b> <code>/v1/orders</code> Place an order");
    expect(text).toContain('<details id="Order">');
    expect(text).not.toMatch(/<script|<link|src=/);
  });

  it("shows how busy a node is, also one that has no others to tell", async () => {
    const bearer = await gateway.bearer("ops:read");
    const cpu = async () => {
      const answer = await gateway.get("/v1/registry/nodes", bearer);
      return ((await answer.json()) as { items: { cpu: number | null }[] }).items[0]?.cpu;
    };
    while (typeof (await cpu()) !== "number") await systemClock.sleep(10);
    expect(await cpu()).toBeGreaterThanOrEqual(0);
  });

  it("shows the nodes and services to who may operate", async () => {
    const bearer = await gateway.bearer("ops:read");
    const nodes = (await (await gateway.get("/v1/registry/nodes", bearer)).json()) as { items: unknown[] };
    expect(nodes.items).toEqual([
      expect.objectContaining({
        id: gateway.broker.nodeID,
        local: true,
        available: true,
        services: expect.arrayContaining(["v1.order", "v1.registry"]),
      }),
    ]);
    const services = (await (await gateway.get("/v1/registry/services", bearer)).json()) as { items: unknown[] };
    expect(services.items).toContainEqual(
      expect.objectContaining({
        name: "registry",
        version: "1",
        nodes: [gateway.broker.nodeID],
        actions: expect.arrayContaining([
          { name: "v1.registry.nodes", instances: 1, available: true, breaker: "CLOSED" },
        ]),
      }),
    );
    expect((await gateway.get("/v1/registry/nodes", await gateway.bearer("orders:read"))).status).toBe(403);
  });
});

describe("the port", () => {
  it("serves an action of a service that came later", async () => {
    const [service] = addStubs(gateway.broker, { "v1.billing.payments": () => ({ items: [], nextCursor: null }) });
    await gateway.broker.waitForServices({ name: "billing", version: 1 });
    expect((await gateway.get("/v1/payments", await gateway.bearer("billing:read"))).status).toBe(200);
    expect(service?.name).toBe("billing");
  });

  it("survives what is not HTTP, and a client that leaves in the middle of its body", async () => {
    const { port } = new URL(gateway.url);
    for (const bytes of ["nonsense\r\n\r\n", "POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"]) {
      await new Promise(resolve => {
        const socket = connect(Number(port), "127.0.0.1", () => socket.end(bytes));
        socket
          .on("close", resolve)
          .on("error", () => undefined)
          .resume();
      });
    }
    expect((await gateway.get("/v1/products")).status).toBe(200);
  });

  it("refuses connections once it is stopped", async () => {
    await gateway.get("/v1/products");
    await gateway.stop();
    await expect(gateway.get("/v1/products")).rejects.toThrow("fetch failed");
  });
});
