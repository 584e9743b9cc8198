// The bridge's real service in this process, as a node of a cluster; only its calls to subscribers are disturbed.
import { ServiceBroker, type CallingOptions, type Middleware } from "moleculer";
import { loadConfig } from "../../core/config.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { createEnvironment } from "../../core/create-environment.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import type { ServerAddresses } from "../../scripts/support/servers.ts";
import { createService } from "../../services/bridge/bridge.service.ts";
import type { UnrulyDeliveries } from "./unruly-deliveries.ts";

interface Params {
  readonly events: readonly CloudEvent[];
  readonly replay?: boolean;
}
type Call = (target: unknown, params: Params, options?: CallingOptions) => Promise<{ outcomes: readonly Outcome[] }>;

export interface Replayed {
  readonly subscriber: string;
  readonly event: CloudEvent;
}

/** A replay goes through as it is and is written down, in the order in which the subscriber gets it. */
function disturb(deliveries: UnrulyDeliveries, replayed: Replayed[]): Middleware {
  const subscriberOf = (target: unknown): string | undefined =>
    typeof target === "string" ? /^v1\.(\w+)\.react$/.exec(target)?.[1] : undefined;
  return {
    name: "UnrulyDeliveries",
    call(next) {
      const call = next as unknown as Call;
      const unruly: Call = async (target, params, options) => {
        const subscriber = subscriberOf(target);
        if (subscriber === undefined) return call(target, params, options);
        if (params.replay === true) {
          replayed.push(...params.events.map(event => ({ subscriber, event })));
          return call(target, params, options);
        }
        const react = async (events: readonly CloudEvent[]): Promise<readonly Outcome[]> =>
          (await call(target, { ...params, events }, options)).outcomes;
        return { outcomes: await deliveries.deliver(subscriber, params.events, react) };
      };
      return unruly as never;
    },
  };
}

export interface UnrulyBridge {
  /** What replays have delivered so far. */
  readonly replayed: readonly Replayed[];
  stop(): Promise<void>;
}

export async function startUnrulyBridge(
  servers: ServerAddresses,
  namespace: string,
  deliveries: UnrulyDeliveries,
): Promise<UnrulyBridge> {
  const config = loadConfig(["bridge"], {
    ...{ NATS_URL: servers.nats, MONGO_URL: servers.mongo, KAFKA_BROKERS: servers.kafka },
    ...{ COMPTOIR_NAMESPACE: namespace, COMPTOIR_NODE_ID: "bridge-1", COMPTOIR_LOG_LEVEL: "error" },
  });
  const environment = await createEnvironment(config, error => {
    throw error;
  });
  const options = brokerOptions(config, environment.health);
  const replayed: Replayed[] = [];
  const middlewares = [...(options.middlewares ?? []), disturb(deliveries, replayed)];
  const broker = new ServiceBroker({ ...options, middlewares });
  broker.createService(await createService(environment));
  await broker.start();
  return { replayed, stop: () => broker.stop() };
}
