// Nodes of the whole shop in one test: a broker each, connected to each other, over the same databases as processes have
// them, with connections of their own and some way to go. Only the event log is one node's, for the local one is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { loadConfig, type Config } from "../../core/config.ts";
import { scopes } from "../../core/contracts/action.ts";
import type { ActionName, Params, Result } from "../../core/contracts/index.ts";
import { deriveId } from "../../core/derive-id.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import type { Principal } from "../../core/request.ts";
import { hostDatabase } from "../../core/store/host.ts";
import { createSqliteAdapter } from "../../core/store/sqlite-adapter.ts";
import { createSqliteDriver } from "../../core/store/sqlite-driver.ts";
import { createSqliteFile } from "../../core/store/sqlite-file.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { createService as account } from "../../services/account/account.service.ts";
import { createService as billing } from "../../services/billing/billing.service.ts";
import { createService as bridge } from "../../services/bridge/bridge.service.ts";
import { createService as customer } from "../../services/customer/customer.service.ts";
import { createService as inventory } from "../../services/inventory/inventory.service.ts";
import { createService as notification } from "../../services/notification/notification.service.ts";
import { createService as order } from "../../services/order/order.service.ts";
import { createService as product } from "../../services/product/product.service.ts";
import { testConfig } from "./config.ts";
import { withFaults } from "./faulty-driver.ts";

const admin: Principal = { kind: "user", id: "admin", scopes, customerId: null };
const service: Principal = { kind: "service", id: "order" };
const DEADLINE_MS = 20_000;

/** As on a network: between what a process read and what it writes another one finds the time to write. */
const far = {
  before: (operation: string) =>
    operation === "write" || operation === "read" ? systemClock.sleep(5 * systemRandom.fraction()) : undefined,
};

export interface Node {
  /** As the administrator, or as a service what only services ask. */
  ask<A extends ActionName>(action: A, params: Params<A>, key?: string): Promise<Result<A>>;
  stop(): Promise<void>;
}

export interface Nodes {
  readonly folder: string;
  start(name: string, options?: { readonly withLog?: boolean }): Promise<Node>;
  stop(): Promise<void>;
}

/** Mail by SMTP as in a cluster; everything else stays as in one process. */
function withMail(config: Config, smtpUrl: string): Config {
  const servers = { NATS_URL: "nats://unused:1", MONGO_URL: "mongodb://unused:1", KAFKA_BROKERS: "unused:1" };
  return { ...config, cluster: loadConfig([], { ...servers, SMTP_URL: smtpUrl }).cluster };
}

export function createNodes(smtpUrl: string, changes: Partial<Config> = {}): Nodes {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-nodes-"));
  const namespace = deriveId(folder);
  const config: Config = { ...testConfig, data: folder, outboxBound: 100_000, ...changes };
  const started: ServiceBroker[] = [];

  function environmentOf(): Environment {
    const onFatal = (error: Error): never => {
      throw error;
    };
    const [clock, random] = [systemClock, systemRandom];
    const { durability, outboxBound } = config;
    const options = { folder, durability, shared: true, outboxBound, clock, random, onFatal };
    const database = (name: string) => {
      const file = createSqliteFile(join(folder, `${name}.sqlite`), options);
      const adapter = createSqliteAdapter(file, onFatal);
      return hostDatabase({
        ...{ name, adapter, ...options },
        openDriver: withFaults(spec => createSqliteDriver(spec, file), far),
      });
    };
    return { config, clock, random, health: new Health(clock), database };
  }

  function nodeOf(broker: ServiceBroker): Node {
    const call = broker.call.bind(broker) as (action: string, params: unknown, options: object) => Promise<unknown>;
    return {
      ask: (action, params, key) => {
        const idempotency = key === undefined ? null : { key, fingerprint: deriveId(action, JSON.stringify(params)) };
        const principal = action === "v1.product.price" ? service : admin;
        const meta = { principal, idempotency, ifMatch: null, deadline: Date.now() + DEADLINE_MS };
        return call(action, params, { meta, timeout: DEADLINE_MS }) as Promise<never>;
      },
      stop: () => broker.stop(),
    };
  }

  return {
    folder,
    async start(name, { withLog = false } = {}) {
      const environment = environmentOf();
      const options = brokerOptions(config, environment.health);
      const registry = { ...options.registry, preferLocal: false };
      const broker = new ServiceBroker({ ...options, registry, namespace, nodeID: name, transporter: "Fake" });
      for (const create of [account, product, customer, inventory, billing, order])
        broker.createService(create(environment));
      broker.createService(notification({ ...environment, config: withMail(config, smtpUrl) }));
      if (withLog) broker.createService(await bridge(environment));
      started.push(broker);
      await broker.start();
      return nodeOf(broker);
    },
    async stop() {
      for (const broker of started.reverse()) if (broker.started) await broker.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
