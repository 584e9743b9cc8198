// The bridge: the only code that touches the event log. Takes the relays' events and delivers them to whoever subscribed.
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { callerOf } from "../../core/context.ts";
import { bridgeActions } from "../../core/contracts/bridge.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import { bridgeHandlers } from "./bridge.handlers.ts";
import { deliveryTo, feedsOf, partsOf, subscribersIn, type Running } from "./bridge.wiring.ts";
import type { EventLog } from "./event-log.ts";
import { countDeadLetters, measureLag } from "./lag.ts";
import { measured } from "./measured-log.ts";
import { openLog, type Logger } from "./open-log.ts";
import { createSubscriptions } from "./subscriptions.ts";

const MEASURE_MS = 10_000;
const COUNT_LETTERS_MS = 30_000;

function run(env: Environment, log: EventLog, broker: ServiceBroker, logger: Logger): Running {
  const call = callerOf(broker, "bridge");
  const subscriptions = createSubscriptions({
    log,
    clock: env.clock,
    create: (subscriber, types, feed) => deliveryTo(env, log, call, { subscriber, types, feed }),
    onError: error => {
      logger.warn("A delivery failed; its events are kept", error);
    },
    onFeeds: feedsOf,
  });
  return { broker, call, subscriptions };
}

export async function createService(env: Environment): Promise<ServiceSchema> {
  const opened = await openLog(env);
  const log = measured(opened.log, env.clock, env.config.cluster === null ? "sqlite" : "kafka");
  const measuring = createLoop(env.clock, MEASURE_MS);
  const counting = createLoop(env.clock, COUNT_LETTERS_MS);
  let running: Running | undefined;
  const parts = partsOf(env, log, () => running);

  return {
    name: "bridge",
    version: 1,
    actions: implement(bridgeActions, bridgeHandlers(parts)),
    created() {
      running = run(env, log, this.broker, this.logger);
    },
    events: {
      "$services.changed"() {
        if (opened.isReady()) running?.subscriptions.follow(subscribersIn(this.broker));
      },
    },
    async started() {
      await opened.start(this.logger);
      // Other nodes do without the log for a while; a bridge without it is of no use.
      if (env.config.cluster !== null) env.health.register("event log", () => log.check(), { critical: true });
      running?.subscriptions.follow(subscribersIn(this.broker));
      const onError = (error: unknown): void => {
        this.logger.debug("How far the subscribers are is not known now", error);
      };
      measuring.start(() => measureLag(log, parts.subscribers()), onError);
      counting.start(() => countDeadLetters(log, parts.subscribers()), onError);
    },
    async stopped() {
      env.health.forget("event log");
      await running?.subscriptions.stop();
      await Promise.all([measuring.stop(), counting.stop()]);
      await log.close();
    },
  };
}
