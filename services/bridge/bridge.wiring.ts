// What connects the bridge with the broker: who subscribes, how they are called, and the shares of a replay.
import type { ServiceBroker } from "moleculer";
import type { Meta } from "../../core/context.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Environment } from "../../core/environment.ts";
import type { Call } from "../../core/request.ts";
import { sampledIdOf } from "../../core/tracing/traceparent.ts";
import type { BridgeParts } from "./bridge.handlers.ts";
import { appended, buried, delivered, deliverySeconds, feeds } from "./bridge.metrics.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import type { EventLog } from "./event-log.ts";
import type { Feed } from "./feed.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Event types per subscriber, from what the services declare about themselves in the registry: what any version of one takes. */
export function subscribersIn(broker: ServiceBroker): Map<string, readonly string[]> {
  const services = broker.registry.getServiceList({ onlyAvailable: true }) as {
    name: string;
    metadata?: { subscribes?: readonly string[] };
  }[];
  const subscribing = services.filter(({ metadata }) => (metadata?.subscribes?.length ?? 0) > 0);
  const byName = Map.groupBy(subscribing, ({ name }) => name);
  return new Map(
    [...byName].map(([name, versions]) => [
      name,
      [...new Set(versions.flatMap(({ metadata }) => metadata?.subscribes ?? []))],
    ]),
  );
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

export function deliveryTo(
  { clock, random }: Environment,
  log: EventLog,
  call: Call,
  { subscriber, types, feed }: { subscriber: string; types: readonly string[]; feed: Feed },
): Delivery {
  const ofSubscriber = {
    delivered: delivered.labels({ subscriber }),
    buried: buried.labels({ subscriber }),
    seconds: deliverySeconds.labels({ subscriber }),
  };
  return createDelivery({
    ...callsTo(call, subscriber),
    ...{ feed, subscriber, types, clock, random },
    letters: log,
    onDelivered: events => {
      ofSubscriber.delivered.inc(events.length);
      const now = clock.now();
      // The clocks of two hosts may differ by more than a delivery takes.
      for (const event of events) {
        const took = Math.max(0, now - Date.parse(event.time)) / 1_000;
        ofSubscriber.seconds.observe(took, sampledIdOf(event.traceparent));
      }
    },
    onDead: letters => {
      ofSubscriber.buried.inc(letters.length);
    },
  });
}

/** Each process does its own share: only it knows that no round of these feeds runs meanwhile. */
async function replayEverywhere(broker: ServiceBroker, subscriber: string): Promise<number> {
  const services = broker.registry.getServiceList({ onlyAvailable: true }) as { name: string; nodeID: string }[];
  const nodes = new Set(services.filter(({ name }) => name === "bridge").map(({ nodeID }) => nodeID));
  const meta: Meta = { principal: { kind: "service", id: "bridge" } };
  const shares = await Promise.allSettled(
    [...nodes].map(nodeID =>
      broker.call<{ replayed: number }, { subscriber: string }>(
        "v1.bridge.replayShare",
        { subscriber },
        { nodeID, meta },
      ),
    ),
  );
  // A process that is away has done nothing; what was its share is counted as left.
  return shares.reduce((sum, share) => sum + (share.status === "fulfilled" ? share.value.replayed : 0), 0);
}

export interface Running {
  readonly broker: ServiceBroker;
  readonly call: Call;
  readonly subscriptions: Subscriptions;
}

export const feedsOf = (subscriber: string, count: number): void => {
  feeds.labels({ subscriber }).set(count);
};

/** @param find what `created` has made; nothing is called before that. */
export function partsOf(env: Environment, log: EventLog, find: () => Running | undefined): BridgeParts {
  const { clock, random } = env;
  const running = (): Running => {
    const found = find();
    if (found === undefined) throw new TypeError("The bridge has not been created");
    return found;
  };
  return {
    ...{ log, clock, random },
    subscribers: () => running().subscriptions.subscribers(),
    react: async (subscriber, events) => (await callsTo(running().call, subscriber).react({ events })).outcomes,
    replayHere: subscriber => running().subscriptions.replay(subscriber),
    replayEverywhere: subscriber => replayEverywhere(running().broker, subscriber),
    onAppended: events => {
      for (const { type } of events) appended.labels({ type }).inc();
    },
  };
}
