// A whole shop on one broker in the test's own process: the test holds the databases that the services write to.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../moleculer.config.ts";
import type { Config } from "../../core/config.ts";
import { callerOf } from "../../core/context.ts";
import { createEnvironment } from "../../core/create-environment.ts";
import type { Environment, HostedDatabase } from "../../core/environment.ts";
import type { Call } from "../../core/request.ts";
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
  stop(): Promise<void>;
}

export async function startBrokerShop(changes: Partial<Config> = {}): Promise<BrokerShop> {
  const data = mkdtempSync(join(tmpdir(), "shop-"));
  const config: Config = { ...testConfig, outboxBound: 100_000, ...changes, data };
  const real = createEnvironment(config, error => {
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
  for (const create of services) broker.createService(create(environment));
  await broker.start();
  return {
    broker,
    call: callerOf(broker, "test"),
    store: (name, spec) => database(name).collection(spec),
    async stop() {
      await broker.stop();
      rmSync(data, { recursive: true });
    },
  };
}
