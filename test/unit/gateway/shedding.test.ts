// What the gateway refuses because there is too much of it: one code, and counted by its reason.
import { expect, it } from "@jest/globals";
import type { IncomingMessage } from "node:http";
import { codeOf } from "../../../core/errors.ts";
import { loadGuard } from "../../../services/gateway/gateway.shedding.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { scrapeHere, valueOf } from "../../support/scrape.ts";

const request = (method: string, url: string) => ({ method, url }) as unknown as IncomingMessage;
const order = request("POST", "/v1/orders");

function guard(limits: Parameters<typeof loadGuard>[2] = {}) {
  const clock = createManualClock();
  const random = { fraction: () => 0.5, id: () => "" };
  return { clock, load: loadGuard(() => undefined, { clock, random }, limits) };
}
const shed = async (reason: string) => valueOf(await scrapeHere(), "comptoir_requests_shed_total", { reason });

it("has a number for each reason before anything was refused", async () => {
  expect(await Promise.all(["lag", "in flight", "orders"].map(shed))).toEqual([0, 0, 0]);
});

it("says that it is overloaded, not that a part of the shop is away", async () => {
  const { load } = guard({ inFlight: 0 });
  const refused = load.refuse(request("GET", "/v1/products"));
  load.stop();
  expect([codeOf(refused), refused]).toMatchObject(["OVERLOADED", { code: 503, data: { retryAfter: 2 } }]);
  expect(await shed("in flight")).toBe(1);
});

it("counts orders that were refused here or by the order service, and tells which share it lets through", async () => {
  const { clock, load } = guard();
  const share = async () => valueOf(await scrapeHere(), "comptoir_orders_let_through_ratio");
  expect(await share()).toBe(1);
  const refusedInside = (): void => {
    for (let count = 0; count < 10; count += 1) {
      load.sent();
      load.overloaded();
    }
  };
  expect(load.refuse(order)).toBeNull();
  refusedInside();
  expect(await shed("orders")).toBe(10);
  await clock.advance(500);
  expect(await share()).toBe(0.6);
  await clock.advance(500);
  refusedInside();
  await clock.advance(500);
  expect(await share()).toBeLessThan(0.5);
  expect(codeOf(load.refuse(order))).toBe("OVERLOADED");
  load.stop();
  expect(await shed("orders")).toBe(21);
});

it.each(["/v1/orders/", "/v1/orders//", "/v1/orders#x", "/v1/orders?x=1", "/v1/orders/?x"])(
  "takes %s for the placing of an order, as the router does",
  async url => {
    const { clock, load } = guard();
    for (let round = 0; round < 10; round += 1) {
      load.sent();
      load.overloaded();
      await clock.advance(500);
    }
    expect(codeOf(load.refuse(request("POST", url)))).toBe("OVERLOADED");
    expect(load.refuse(request("POST", "/v1/orders/1/cancel"))).toBeNull();
    expect(load.refuse(request("GET", url))).toBeNull();
    load.stop();
  },
);
