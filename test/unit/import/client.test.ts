import { afterEach, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { openShop, ShopError, type Shop } from "../../../scripts/import/client.ts";

interface Seen {
  readonly path: string;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly body: string;
}
type Reply = { readonly status: number; readonly body?: object; readonly headers?: Record<string, string> } | "hang up";

let server: Server | null = null;
let shop: Shop | null = null;

afterEach(async () => {
  await shop?.close();
  server?.close();
  [server, shop] = [null, null];
});

/** A server that answers every login with a new token, and the other requests with these replies, one after another. */
async function serving(...replies: readonly Reply[]): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const left = [...replies];
  let logins = 0;
  const see = async (request: IncomingMessage): Promise<Reply> => {
    const { "idempotency-key": key, authorization: token } = request.headers;
    const entry = { path: request.url ?? "", key: key?.toString(), token, body: await text(request) };
    if (entry.path === "/v1/auth/login") return { status: 200, body: { accessToken: `token${String((logins += 1))}` } };
    seen.push(entry);
    return left.shift() ?? { status: 200, body: {} };
  };
  server = createServer((request, response) => {
    void see(request).then(reply => {
      if (reply === "hang up") request.socket.destroy();
      else response.writeHead(reply.status, reply.headers).end(JSON.stringify(reply.body ?? {}));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen };
}

const open = async (url: string): Promise<Shop> =>
  (shop = await openShop({
    url,
    email: "admin@comptoir.local",
    password: "secret",
    connections: 2,
    signal: new AbortController().signal,
  }));

describe("the shop's client", () => {
  it.each<[string, Reply]>([
    ["a lost connection", "hang up"],
    ["503", { status: 503, headers: { "retry-after": "0" }, body: { code: "EVENT_BACKLOG" } }],
    ["429", { status: 429, body: { code: "TOO_MANY_REQUESTS" } }],
    ["500", { status: 500, body: { code: "INTERNAL_ERROR" } }],
    ["a key in flight", { status: 409, body: { code: "IDEMPOTENCY_KEY_IN_FLIGHT" } }],
    ["a lost race", { status: 409, body: { code: "CONFLICT" } }],
  ])("asks again with the same key and body after %s", async (_, fault) => {
    const { url, seen } = await serving(fault, { status: 201, body: { id: "1" } });
    const answer = await (await open(url)).ask("/v1/orders", { number: "536365" }, "import:order:536365");
    expect(answer).toEqual({ ok: true, status: 201, body: { id: "1" } });
    expect(seen.map(({ key, body }) => [key, body])).toEqual(
      Array.from({ length: 2 }, () => ["import:order:536365", '{"number":"536365"}']),
    );
  });

  it("waits as long as Retry-After says", async () => {
    const { url } = await serving({ status: 503, headers: { "retry-after": "1" } });
    const client = await open(url);
    const began = performance.now();
    await client.ask("/v1/orders");
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
  });

  it("takes a refusal as an answer and does not ask again", async () => {
    const errors = [{ pointer: "/lines/0/sku", message: "no product has it" }];
    const { url, seen } = await serving({ status: 422, body: { code: "UNKNOWN_SKU", detail: "Unknown", errors } });
    expect(await (await open(url)).ask("/v1/orders", {}, "k")).toEqual({
      ok: false,
      status: 422,
      code: "UNKNOWN_SKU",
      detail: "Unknown: /lines/0/sku no product has it",
    });
    expect(seen).toHaveLength(1);
  });

  it("gives up on a request that fails inside the shop each time, so that the others go on", async () => {
    const broken: Reply = { status: 500, body: { code: "INTERNAL_ERROR", detail: "Sorry" } };
    const { url, seen } = await serving(broken, broken, broken, broken, broken);
    expect(await (await open(url)).ask("/v1/orders", {}, "k")).toMatchObject({ ok: false, code: "INTERNAL_ERROR" });
    expect(seen).toHaveLength(5);
  });

  it("logs in again when its token has ended", async () => {
    const { url, seen } = await serving({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(await (await open(url)).ask("/v1/orders")).toMatchObject({ ok: true });
    expect(seen.map(({ token }) => token)).toEqual(["Bearer token1", "Bearer token2"]);
  });

  it("says so when nobody is there", async () => {
    const { url } = await serving();
    server?.close();
    await expect(open(url)).rejects.toThrow(ShopError);
    await expect(open(url)).rejects.toThrow(/could not be reached/);
  });
});
