// Nodes of a cluster in this process: brokers with the options of every node, and stub services. They meet over a real
// NATS, or, without servers, over Moleculer's bus for tests.
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { ServiceBroker, type Service } from "moleculer";
import { brokerOptions } from "../../moleculer.config.ts";
import type { Config } from "../../core/config.ts";
import type { ActionName, Params, Result } from "../../core/contracts/index.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import type { Principal } from "../../core/request.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { createService as createGateway } from "../../services/gateway/gateway.service.ts";
import { createService as createRegistry } from "../../services/registry/registry.service.ts";
import { testConfig } from "./config.ts";
import { addStubs, type Stubs } from "./gateway.ts";

const nothing = { ca: null, cert: null, key: null };
const unused = { url: "", user: null, password: null, tls: nothing };

const configOf = (namespace: string, nodeId: string, nats: string): Config => ({
  ...testConfig,
  mode: "cluster",
  namespace,
  logLevel: "fatal",
  cluster: {
    nodeId,
    startupTimeoutMs: 10_000,
    nats: { servers: [nats], user: null, password: null, token: null, tls: null },
    mongo: unused,
    kafka: { brokers: [], sasl: null, tls: null, partitions: 1, replication: 1, retentionMs: -1 },
    smtp: null,
  },
});

const service: Principal = { kind: "service", id: "test" };

export interface TestNode {
  readonly broker: ServiceBroker;
  readonly health: Health;
  /** As a service without a deadline of its own, or with what `meta` says. */
  call<A extends ActionName>(action: A, params: Params<A>, meta?: object): Promise<Result<A>>;
  /** From the gateway of this node; as nobody when the token is left out. */
  get(path: string, token?: string): Promise<{ status: number; ms: number; retryAfter: string | null; body: unknown }>;
  stop(): Promise<void>;
  /** Says nothing more to anybody, as a process that was killed. */
  vanish(): Promise<void>;
}

interface Parts {
  readonly gateway?: true;
  readonly registry?: true;
  /** HOST:PORT that it tells the others of its ops port. */
  readonly ops?: string;
}

async function ask(server: Server | undefined, path: string, token?: string) {
  if (server === undefined) throw new Error("This node has no gateway");
  const { port } = server.address() as AddressInfo;
  const began = performance.now();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`, { headers });
  const body: unknown = await answer.json();
  return { status: answer.status, ms: performance.now() - began, retryAfter: answer.headers.get("retry-after"), body };
}

export async function startNode(
  [namespace, nats]: readonly [namespace: string, nats: string | null],
  nodeId: string,
  stubs: Stubs,
  parts: Parts = {},
): Promise<TestNode> {
  const config = configOf(namespace, nodeId, nats ?? "");
  const health = new Health(systemClock);
  const options = brokerOptions(config, health, parts.ops);
  const broker = new ServiceBroker({
    ...options,
    ...(nats === null ? { transporter: "Fake", registry: { ...options.registry, stopDelay: 0 } } : {}),
  });
  const environment: Environment = {
    config,
    clock: systemClock,
    random: systemRandom,
    health,
    database: () => {
      throw new Error("These nodes keep nothing");
    },
  };
  addStubs(broker, stubs);
  if (parts.registry) broker.createService(createRegistry(environment));
  const gateway =
    parts.gateway && (broker.createService(createGateway(environment) as never) as Service & { server: Server });
  await broker.start();
  return {
    broker,
    health,
    call: (action, params, meta = {}) => broker.call(action, params, { meta: { principal: service, ...meta } }),
    get: (path, token) => ask(gateway?.server, path, token),
    stop: () => broker.stop(),
    async vanish() {
      const { client } = broker.transit?.tx as unknown as { client: { close(): Promise<void> } };
      await client.close();
    },
  };
}
