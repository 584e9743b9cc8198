// Each node says how often it has begun each of its actions.
import { expect, test } from "@jest/globals";
import { register } from "prom-client";
import { ServiceBroker } from "moleculer";
import { callsBegun } from "../../core/middlewares/calls-begun.ts";

test("a call counts where it is handled, also when it fails", async () => {
  const broker = new ServiceBroker({ logger: false, middlewares: [callsBegun] });
  broker.createService({
    name: "counted",
    actions: {
      well: () => "done",
      badly: () => Promise.reject(new Error("as asked")),
    },
  });
  await broker.start();
  try {
    await broker.call("counted.well");
    await broker.call("counted.well");
    await expect(broker.call("counted.badly")).rejects.toThrow("as asked");
  } finally {
    await broker.stop();
  }
  const numbers = await register.getSingleMetricAsString("comptoir_actions_begun_total");
  expect(numbers).toContain('{action="counted.well"} 2');
  expect(numbers).toContain('{action="counted.badly"} 1');
});
