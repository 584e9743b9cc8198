// A whole shop on one broker in the test's own process: the test holds the databases that the services write to.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions } from "../../moleculer.config.ts";
import type { Config } from "../../core/config.ts";
import type { ActionMap } from "../../core/contracts/action.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { EventType } from "../../core/contracts/index.ts";
import { park, react } from "../../core/contracts/reactions.ts";
import { callerOf } from "../../core/context.ts";
import { createEnvironment } from "../../core/create-environment.ts";
import type { Environment, HostedDatabase } from "../../core/environment.ts";
import type { Call } from "../../core/request.ts";
import { implement, type HandlersOf } from "../../core/service.ts";
import type { CollectionSpec, DocumentStore } from "../../core/store/port.ts";
import { createService as account } from "../../services/account/account.service.ts";
import { createService as audit } from "../../services/audit/audit.service.ts";
import { createService as billing } from "../../services/billing/billing.service.ts";
import { createService as bridge } from "../../services/bridge/bridge.service.ts";
import { createService as customer } from "../../services/customer/customer.service.ts";
import { createService as inventory } from "../../services/inventory/inventory.service.ts";
import { createService as notification } from "../../services/notification/notification.service.ts";
import { createService as order } from "../../services/order/order.service.ts";
import { createService as product } from "../../services/product/product.service.ts";
import { testConfig } from "./config.ts";

const services = [account, audit, billing, bridge, customer, inventory, notification, order, product];

export interface BrokerShop {
  readonly broker: ServiceBroker;
  /** As a service. */
  readonly call: Call;
  /** The very store that the service writes by. */
  store<S, X = never>(database: string, spec: CollectionSpec<S>): DocumentStore<S, X>;
  /** Subscribes to events as a service would. */
  listen(types: readonly EventType[], take: (event: CloudEvent) => void): void;
  stop(): Promise<void>;
}

function listener(types: readonly EventType[], take: (event: CloudEvent) => void): ServiceSchema {
  const actions: ActionMap = { "v1.listener.react": react, "v1.listener.park": park };
  const handlers: HandlersOf<ActionMap> = {
    "v1.listener.react": params => {
      const { events } = params as { events: CloudEvent[] };
      for (const event of events) take(event);
      return Promise.resolve({ outcomes: events.map(({ id }) => ({ id, outcome: "done" })) });
    },
    "v1.listener.park": () => Promise.resolve({}),
  };
  return { name: "listener", version: 1, metadata: { subscribes: types }, actions: implement(actions, handlers) };
}

export async function startBrokerShop(changes: Partial<Config> = {}): Promise<BrokerShop> {
  const data = mkdtempSync(join(tmpdir(), "shop-"));
  const config: Config = { ...testConfig, outboxBound: 100_000, ...changes, data };
  const real = await createEnvironment(config, error => {
    throw error;
  });
  const databases = new Map<string, HostedDatabase>();
  const database = (name: string): HostedDatabase => {
    const hosted = databases.get(name) ?? real.database(name);
    databases.set(name, hosted);
    return hosted;
  };
  const environment: Environment = { ...real, database };
  const broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  for (const create of services) broker.createService(await create(environment));
  await broker.start();
  return {
    broker,
    call: callerOf(broker, "test"),
    store: (name, spec) => database(name).collection(spec),
    listen: (types, take) => {
      broker.createService(listener(types, take));
    },
    async stop() {
      await broker.stop();
      rmSync(data, { recursive: true });
    },
  };
}
