// The mends of the client's consumers fit the client: on its own class, with a group that takes its time.
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

const cluster = () => ({ disconnect: () => Promise.resolve() });

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

/** As the client's own group does it. */
function groupIn(own: object, joinsAs: string, isAway: boolean) {
  const group = {
    ...{ cluster: own, memberId: null as string | null, asked: null as string | null },
    connect: () => Promise.resolve(),
    joinAndSync() {
      group.asked = group.memberId;
      group.memberId ??= joinsAs;
      return Promise.resolve();
    },
    getNodeIds: () => [],
    leave() {
      if (isAway) return Promise.reject(new Error("The coordinator is away"));
      group.memberId = null;
      return Promise.resolve();
    },
  };
  return group;
}
async function run(consumerGroup: object): Promise<void> {
  const options = { logger, consumerGroup, onCrash: nothing, retry: {}, heartbeatInterval: 1, concurrency: 1 };
  const runner = new Runner(options);
  await runner.start();
  await runner.stop();
}

it.each([
  ["joins as who it was, when it could not leave", true, "first"],
  ["joins as somebody new, when it has left", false, null],
])("A consumer that begins anew after a crash %s", async (_what, isAway, asked) => {
  const own = cluster();
  await run(groupIn(own, "first", isAway));
  const again = groupIn(own, "second", isAway);
  await run(again);
  expect(again.asked).toBe(asked);
  const other = groupIn(cluster(), "third", isAway);
  await run(other);
  expect(other.asked).toBeNull();
});
