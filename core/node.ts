// One node: the broker and the chosen services, the gateway last.
import type { Server, ServerResponse } from "node:http";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker, type Service, type ServiceSchema, type ServiceSettingSchema } from "moleculer";
import { brokerOptions } from "../moleculer.config.ts";
import type { Environment } from "./environment.ts";
import { logOverflows } from "./metrics/log-overflows.ts";
import { portOf } from "./ports.ts";
import { restoredFirst } from "./restored.ts";

const root = join(import.meta.dirname, "..", "services");
const fileOf = (name: string): string => join(root, name, `${name}.service.ts`);

/** The services of this release, the gateway last. */
export const knownServices = (): string[] =>
  readdirSync(root)
    .filter(name => existsSync(fileOf(name)))
    .sort((a, b) => Number(a === "gateway") - Number(b === "gateway") || a.localeCompare(b));

interface ServiceModule {
  /** Later when it loads what only this mode needs: each client costs an embedded shop memory and time at its start. */
  readonly createService: (environment: Environment) => ServiceSchema | Promise<ServiceSchema>;
}

async function schemaOf(name: string, environment: Environment): Promise<ServiceSchema> {
  const module = (await import(fileOf(name))) as ServiceModule;
  return module.createService(environment);
}

type Gateway = Service & { readonly server: Server };

export interface RunningNode {
  readonly broker: ServiceBroker;
  /** The REST port; null without a gateway. */
  readonly port: number | null;
  /** Takes no new requests, lets the running ones end, stops the services. */
  stop(): Promise<void>;
}

const POLL_MS = 50;
/** Before a connection counts as idle: its request may lie unread in it, and closing it would reset that. */
const LAST_CALL_MS = 300;
/** What still runs then is stopped with the services: every command survives that. */
const DRAIN_MS = 2_500;

/** Also closes connections that were kept alive once their last answer is out: Node only does that for those idle now. */
async function drain(server: Server): Promise<void> {
  server.prependListener("request", (_request, response: ServerResponse) => {
    response.setHeader("Connection", "close");
  });
  await sleep(LAST_CALL_MS);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  const timer = setInterval(() => {
    server.closeIdleConnections();
  }, POLL_MS);
  await Promise.race([promise, sleep(DRAIN_MS)]);
  clearInterval(timer);
}

/**
 * Resolves once every chosen service answers.
 * @param opsAddress HOST:PORT under which others reach its ops port.
 */
export async function startNode(environment: Environment, opsAddress: string): Promise<RunningNode> {
  const { config } = environment;
  const { middlewares = [], ...options } = brokerOptions(config, environment.health, opsAddress);
  const broker = new ServiceBroker({ ...options, middlewares: [...middlewares, restoredFirst(config)] });
  logOverflows(broker.getLogger("metrics"));
  const behind = config.services.filter(name => name !== "gateway");
  const schemas = await Promise.all(behind.map(name => schemaOf(name, environment)));
  for (const schema of schemas) broker.createService(schema);
  let gateway: Gateway | undefined;
  if (config.services.includes("gateway")) {
    const schema = await schemaOf("gateway", environment);
    // It listens in `started`, and that waits for the dependencies.
    const dependencies = schemas.map(({ name, version }) => (version === undefined ? { name } : { name, version }));
    gateway = broker.createService<ServiceSettingSchema, object, object, Gateway>({ ...schema, dependencies });
  }
  await broker.start();
  return {
    broker,
    port: gateway === undefined ? null : portOf(gateway.server),
    async stop() {
      if (gateway?.server.listening === true) await drain(gateway.server);
      await broker.stop();
    },
  };
}
