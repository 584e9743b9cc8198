// The mend of the client's consumers fits the client: on its own class, with a group that takes its time.
import { createRequire } from "node:module";
import { expect, it } from "@jest/globals";
import "../../core/kafka-runner.ts";

interface Runner {
  start(): Promise<void>;
  stop(): Promise<void>;
}
const Runner = createRequire(import.meta.url)("kafkajs/src/consumer/runner.js") as new (options: object) => Runner;
const nothing = (): void => undefined;
const logger = { namespace: (): object => logger, debug: nothing, info: nothing, warn: nothing, error: nothing };

function runnerIn(leave: () => Promise<void>) {
  const { promise: joining, resolve: joined } = Promise.withResolvers<undefined>();
  const state = { fetches: 0, left: 0, disconnected: 0 };
  const consumerGroup = {
    connect: () => Promise.resolve(),
    joinAndSync: () => joining,
    getNodeIds: () => {
      state.fetches += 1;
      return [];
    },
    leave: () => {
      state.left += 1;
      return leave();
    },
    cluster: { disconnect: () => Promise.resolve(void (state.disconnected += 1)) },
  };
  const runner = new Runner({
    logger,
    consumerGroup,
    onCrash: nothing,
    retry: {},
    heartbeatInterval: 1,
    concurrency: 1,
  });
  return { runner, joined, state };
}

it.each([
  ["", () => Promise.resolve()],
  [", also when its coordinator is away", () => Promise.reject(new Error("The coordinator is away"))],
])("A consumer that was stopped while it joined leaves and disconnects%s", async (_when, leave) => {
  const { runner, joined, state } = runnerIn(leave);
  const starting = runner.start();
  await runner.stop();
  joined(undefined);
  await starting;
  await Promise.resolve();
  expect(state).toEqual({ fetches: 0, left: 1, disconnected: 1 });
});
