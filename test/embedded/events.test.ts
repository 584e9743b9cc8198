// npm run events on a real shop.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startShop, type Shop } from "../../scripts/support/shop.ts";
import { runEvents } from "../support/events-tool.ts";

const PRODUCTS = 3;

describe("npm run events", () => {
  let shop: Shop;
  let token: string;
  beforeAll(async () => {
    shop = await startShop();
    token = await shop.adminToken();
    for (let number = 1; number <= PRODUCTS; number += 1) {
      const body = { sku: `A${String(number)}`, name: "Lamp", price: { amount: 100, currency: "GBP" } };
      expect((await ask("/v1/products", body)).status).toBe(201);
    }
  });
  afterAll(async () => {
    await shop.stop();
  });

  const ask = (path: string, body: object, bearer = token) =>
    fetch(`${shop.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    });
  const events = (...args: string[]) => runEvents(shop.url, ...args);
  /** Until inventory has what there is. */
  async function caughtUp(): Promise<void> {
    for (let behind = -1; behind !== 0;) {
      const answer = await fetch(`${shop.url}/v1/events/lag`, { headers: { authorization: `Bearer ${token}` } });
      const { items } = (await answer.json()) as { items: { subscriber: string; committed: number; end: number }[] };
      const inventory = items.find(({ subscriber, end }) => subscriber === "inventory" && end >= PRODUCTS);
      behind = inventory === undefined ? -1 : inventory.end - inventory.committed;
    }
  }

  it("tells what the log consists of and how far everybody is", async () => {
    await caughtUp();
    const topics = await events("topics");
    expect(topics).toMatchObject({ code: 0, said: "" });
    expect(topics.out).toMatch(/log\s+│ 1\s+│ [3-9]/);
    expect((await events("lag")).out).toMatch(/inventory\s+│ 0/);
  });

  it("shows no dead letters where there are none, and has nothing to deliver again", async () => {
    expect((await events("dead-letters", "inventory")).out).not.toContain("inventory");
    const replayed = await events("replay", "inventory");
    expect(JSON.parse(replayed.out)).toEqual({ subscriber: "inventory", replayed: 0, left: 0 });
  });

  it("delivers a range of time again", async () => {
    await caughtUp();
    const since = await events("replay", "inventory", "--from", "2020-01-01", "--types", "product.created.v1");
    expect(JSON.parse(since.out)).toEqual({ subscriber: "inventory", replayed: PRODUCTS, left: 0 });
    const before = await events("replay", "inventory", "--from", "2020-01-01", "--to", "2021-01-01");
    expect(JSON.parse(before.out)).toMatchObject({ replayed: 0 });
  });

  it.each([
    ["a subscriber that there is not", ["replay", "nobody"], "No subscriber is called nobody"],
    ["an end without a beginning", ["replay", "inventory", "--to", "2021-01-01"], "give --from too"],
    ["what is no time", ["replay", "inventory", "--from", "yesterday"], "must be a time"],
  ])("refuses %s in one line", async (_what, args, message) => {
    const { code, said } = await events(...args);
    expect(code).toBe(1);
    expect(said).toContain(message);
    expect(said.trim().split("\n")).toHaveLength(1);
  });

  it("is the operators' alone", async () => {
    const person = { email: "ann@example.org", password: "correct horse battery", name: "Ann" };
    await ask("/v1/auth/register", person);
    const login = await ask("/v1/auth/login", { email: person.email, password: person.password });
    const { accessToken } = (await login.json()) as { accessToken: string };
    expect((await ask("/v1/events/replays", { subscriber: "inventory" }, accessToken)).status).toBe(403);
  });
});
