// Each node says how often it has begun each of its actions, how long they took and how they failed.
import { expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { fail } from "../../../core/errors.ts";
import { actionMetrics, callsBegun } from "../../../core/middlewares/action-metrics.ts";
import { scrapeHere, valueOf } from "../../support/scrape.ts";

test("a call counts where it is handled, also when it fails", async () => {
  const middlewares = [callsBegun(), actionMetrics()];
  const broker = new ServiceBroker({ logger: false, internalMiddlewares: false, middlewares });
  const { promise: free, resolve: release } = Promise.withResolvers<undefined>();
  broker.createService({
    name: "counted",
    actions: {
      well: () => "done",
      badly: () => Promise.reject(new Error("as asked")),
      refused: () => Promise.reject(fail("OUT_OF_STOCK", "none left")),
      slowly: () => free,
      own: { visibility: "private", handler: () => "nobody's business" },
    },
  });
  await broker.start();
  try {
    await broker.call("counted.well");
    await broker.call("counted.well");
    await broker.call("$node.list");
    await expect(broker.call("counted.badly")).rejects.toThrow("as asked");
    await expect(broker.call("counted.refused")).rejects.toThrow("none left");
    const slow = broker.call("counted.slowly");
    expect(valueOf(await scrapeHere(), "comptoir_actions_in_flight")).toBe(1);
    release(undefined);
    await slow;
  } finally {
    await broker.stop();
  }
  const series = await scrapeHere();
  const begun = series.filter(({ name }) => name === "comptoir_actions_begun_total");
  expect(begun.map(({ labels, value }) => [labels["action"], value])).toEqual([
    ["counted.well", 2],
    ["counted.badly", 1],
    ["counted.refused", 1],
    ["counted.slowly", 1],
  ]);
  expect(valueOf(series, "comptoir_action_seconds_count", { action: "counted.well" })).toBe(2);
  expect(valueOf(series, "comptoir_action_seconds_count", { action: "counted.badly" })).toBe(1);
  expect(valueOf(series, "comptoir_action_errors_total", { action: "counted.badly", code: "UNEXPECTED" })).toBe(1);
  expect(valueOf(series, "comptoir_action_errors_total", { action: "counted.refused", code: "OUT_OF_STOCK" })).toBe(1);
  expect(valueOf(series, "comptoir_actions_in_flight")).toBe(0);
});
