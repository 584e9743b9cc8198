import { expect, it } from "@jest/globals";
import type { Consumer, ConsumerConfig } from "kafkajs";
import { consumerOf } from "../../core/kafka-consumer.ts";

it("lets the client begin anew after a crash, until it is stopped", async () => {
  let given: ConsumerConfig["retry"];
  const consumer = consumerOf(retry => {
    given = retry;
    return { disconnect: () => Promise.resolve() } as unknown as Consumer;
  });
  const begins = () => given?.restartOnFailure?.(new Error("the broker is away"));
  expect(await begins()).toBe(true);
  await consumer.stop();
  expect(await begins()).toBe(false);
});
