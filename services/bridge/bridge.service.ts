// The bridge: the only code that touches the event log. Takes the relays' events and delivers them to whoever subscribed.
import { join } from "node:path";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { callerOf } from "../../core/context.ts";
import { bridgeActions } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Environment } from "../../core/environment.ts";
import type { Call } from "../../core/request.ts";
import { implement } from "../../core/service.ts";
import { StartupError } from "../../core/startup-error.ts";
import { bridgeHandlers } from "./bridge.handlers.ts";
import { appended, deadLetters, delivered } from "./bridge.metrics.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import type { EventLog } from "./event-log.ts";
import { localLog } from "./local-log.ts";
import { createSubscriptions, type Subscriptions } from "./subscriptions.ts";

/** Event types per subscriber, from what the services declare about themselves in the registry. */
function subscribersIn(broker: ServiceBroker): Map<string, readonly string[]> {
  const services = broker.registry.getServiceList({ onlyAvailable: true }) as {
    name: string;
    metadata?: { subscribes?: readonly string[] };
  }[];
  return new Map(services.flatMap(({ name, metadata }) => (metadata?.subscribes ? [[name, metadata.subscribes]] : [])));
}

/** Every subscriber has the same two actions; the contract map knows them by each one's name. */
function callsTo(call: Call, subscriber: string) {
  const react = `v1.${subscriber}.react` as "v1.order.react";
  const park = `v1.${subscriber}.park` as "v1.order.park";
  return {
    react: (params: { events: CloudEvent[]; replay?: boolean }) => call(react, params),
    park: (params: { subject: string; from: number | null }) => call(park, params),
  };
}

function deliveryTo(
  env: Environment,
  log: EventLog,
  call: Call,
  subscriber: string,
  types: readonly string[],
): Delivery {
  const { clock, random } = env;
  return createDelivery({
    ...callsTo(call, subscriber),
    log,
    subscriber,
    types,
    clock,
    random,
    onDelivered: count => {
      delivered.inc({ subscriber }, count);
    },
    onDead: letters => {
      deadLetters.inc({ subscriber }, letters.length);
    },
  });
}

/** Nothing catches it here: the process ends with this one line (core/main.ts). */
function onFatal(error: Error): void {
  setImmediate(() => {
    throw new StartupError(error.message);
  });
}

export function createService(env: Environment): ServiceSchema {
  const { clock, config } = env;
  const log = localLog(join(config.data, "bridge.sqlite"), { clock, durability: config.durability, onFatal });
  let subscriptions: Subscriptions | undefined;
  const onAppended = (events: readonly CloudEvent[]): void => {
    for (const { type } of events) appended.inc({ type });
    subscriptions?.wake();
  };
  const deliveryOf = (subscriber: string) => subscriptions?.deliveryOf(subscriber);

  return {
    name: "bridge",
    version: 1,
    actions: implement(bridgeActions, bridgeHandlers({ log, deliveryOf, onAppended })),
    created() {
      const call = callerOf(this.broker, "bridge");
      const create = (subscriber: string, types: readonly string[]) => deliveryTo(env, log, call, subscriber, types);
      subscriptions = createSubscriptions(clock, create, error => {
        this.logger.warn("A delivery failed and is tried again", error);
      });
    },
    events: {
      "$services.changed"() {
        subscriptions?.follow(subscribersIn(this.broker));
      },
    },
    async stopped() {
      await subscriptions?.stop();
      log.close();
    },
  };
}
