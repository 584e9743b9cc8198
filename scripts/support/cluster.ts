// A cluster of real processes on real servers, for system tests and benchmarks.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ClusterNode, type NodePlace } from "./cluster-node.ts";
import { freePort } from "./free-port.ts";
import { login, temporaryFolder } from "./node-process.ts";
import type { ServerAddresses } from "./servers.ts";

/** Each start takes a second of a core: more at once would only make all of them late. */
const STARTS_AT_ONCE = 4;
/** A node that waits for services of others does not keep those others from starting. */
const NEXT_START_MS = 10_000;

/** One for each of two bridges: every further one costs each subscriber's consumers something at all times. */
const PARTITIONS = "2";

export interface NodeGroup {
  /** Of each of its nodes; all of them when left out. */
  readonly services?: readonly string[];
  /** 1 when left out. */
  readonly count?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of another release; this one when left out. */
  readonly root?: string;
}

export interface ClusterOptions {
  readonly servers: ServerAddresses;
  readonly nodes: readonly NodeGroup[];
  /** Of every node. */
  readonly env?: Readonly<Record<string, string>>;
  /** One of its own when left out, so that clusters on the same servers do not meet. */
  readonly namespace?: string;
}

/** A process for each replica of each service: `{ order: 2, gateway: 1 }`. */
export const replicasOf = (counts: Readonly<Record<string, number>>): NodeGroup[] =>
  Object.entries(counts).map(([service, count]) => ({ services: [service], count }));

export class Cluster {
  readonly namespace: string;
  readonly nodes: ClusterNode[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #data = temporaryFolder();
  readonly #counts = new Map<string, number>();

  constructor({ servers, env = {}, namespace = `t-${randomBytes(5).toString("hex")}` }: ClusterOptions) {
    this.namespace = namespace;
    this.#env = {
      NATS_URL: servers.nats,
      MONGO_URL: servers.mongo,
      KAFKA_BROKERS: servers.kafka,
      KAFKA_PARTITIONS: PARTITIONS,
      COMPTOIR_NAMESPACE: namespace,
      COMPTOIR_LOG_LEVEL: "warn",
      ...env,
    };
  }

  /** Starts more nodes. Resolves with them once they are ready. @throws with the log of the first that is not */
  async add(groups: readonly NodeGroup[]): Promise<ClusterNode[]> {
    const places = (await Promise.all(groups.map(group => this.#placesOf(group)))).flat();
    // Gateways open their port when the services behind them answer.
    places.sort((a, b) => Number(isGateway(a)) - Number(isGateway(b)));
    const starting: Promise<ClusterNode>[] = [];
    const waiting = [...places];
    const lane = async (): Promise<void> => {
      for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
        const start = ClusterNode.start(place).then(node => {
          this.nodes.push(node);
          return node;
        });
        starting.push(start);
        const next = new AbortController();
        await Promise.race([start, pause(NEXT_START_MS, undefined, { signal: next.signal }).catch(() => undefined)]);
        next.abort();
      }
    };
    try {
      await Promise.all(Array.from({ length: STARTS_AT_ONCE }, lane));
      return await Promise.all(starting);
    } catch (error) {
      waiting.length = 0;
      await Promise.allSettled(starting);
      throw error;
    }
  }

  node(name: string): ClusterNode {
    const found = this.nodes.find(node => node.name === name);
    if (found === undefined) throw new Error(`${name} is not of ${this.nodes.map(node => node.name).join(", ")}`);
    return found;
  }

  /** The nodes that have this service. */
  with(service: string): ClusterNode[] {
    return this.nodes.filter(({ services }) => services.length === 0 || services.includes(service));
  }

  /** The addresses of the gateways that run. */
  gateways(): string[] {
    return this.nodes.flatMap(({ url, isRunning }) => (url !== null && isRunning ? [url] : []));
  }

  adminToken(): Promise<string> {
    const [url] = this.gateways();
    if (url === undefined) throw new Error("No gateway runs");
    return login(url);
  }

  /** SIGTERM to every node; resolves with their exit codes. The servers keep what the cluster wrote. */
  async stop(): Promise<Map<string, number | null>> {
    const codes = await Promise.all(this.nodes.map(async node => [node.name, await node.stop()] as const));
    rmSync(this.#data, { recursive: true, force: true });
    return new Map(codes);
  }

  /** kill -9 to every node. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.kill()));
    rmSync(this.#data, { recursive: true, force: true });
  }

  async #placesOf({ services = [], count = 1, env = {}, root }: NodeGroup): Promise<NodePlace[]> {
    const kind = nameOf(services);
    const places: NodePlace[] = [];
    for (let left = count; left > 0; left -= 1) {
      const number = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, number);
      const name = `${kind}-${String(number)}`;
      const port = services.length === 0 || services.includes("gateway") ? String(await freePort()) : "0";
      const all = { ...this.#env, COMPTOIR_PORT: port, ...env };
      const release = root === undefined ? {} : { root };
      places.push({ name, services, data: join(this.#data, name), env: all, ...release });
    }
    return places;
  }
}

/** A node's id has at most 100 characters. */
const MOST_NAMED = 6;
function nameOf(services: readonly string[]): string {
  if (services.length === 0) return "all";
  return services.length > MOST_NAMED ? "most" : services.join("-");
}

const isGateway = ({ services }: NodePlace): boolean => services.includes("gateway");

/**
 * Resolves once every node has started and the gateways have found the services behind them.
 * @throws with the log of the first that has not, and kills the others
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  try {
    await cluster.add(options.nodes);
    const services = cluster.nodes.flatMap(node => node.services);
    await Promise.all(cluster.with("gateway").map(node => node.untilFound(services)));
    return cluster;
  } catch (error) {
    await cluster.kill();
    throw error;
  }
}
