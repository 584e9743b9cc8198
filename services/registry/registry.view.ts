// Moleculer's registry in the words of our contract.
import type { ServiceBroker } from "moleculer";
import type { Result } from "../../core/contracts/index.ts";
import { opsAddressOf } from "../../core/discovery.ts";
import { timestamp } from "../../core/kernel/clock.ts";

export type Registry = ServiceBroker["registry"];
type Nodes = Result<"v1.registry.nodes">;
type Services = Result<"v1.registry.services">;
export type Breaker = Services["items"][number]["actions"][number]["breaker"];

/** A circuit from one node to an action of another, as the calling node tells it. */
export interface SeenBreaker {
  readonly action: string;
  readonly state: Breaker;
}

const worst: readonly Breaker[] = ["OPEN", "HALF_OPEN"];

/** Per action the worst that any node sees; one that nobody has called is closed. */
export function worstBreakers(seen: readonly SeenBreaker[]): (action: string) => Breaker {
  const states = Map.groupBy(seen, ({ action }) => action);
  return action => {
    const own = states.get(action)?.map(({ state }) => state) ?? [];
    return worst.find(state => own.includes(state)) ?? "CLOSED";
  };
}

interface ListedService {
  readonly fullName: string;
  readonly name: string;
  readonly version?: string | number;
  readonly nodeID: string;
}
interface ListedAction {
  readonly name: string;
  readonly count: number;
  readonly available: boolean;
}

const servicesIn = (registry: Registry) =>
  registry.getServiceList({ skipInternal: true }) as unknown as readonly ListedService[];

const versionOf = ({ version }: ListedService): string | null => (version === undefined ? null : String(version));

/** What other nodes tell may be of another release. */
const textOf = (told: unknown): string | null => (typeof told === "string" ? told : null);

export function nodesOf(registry: Registry, now: number): Nodes {
  const services = servicesIn(registry);
  // Moleculer counts heartbeats in seconds of its process's uptime.
  const uptime = process.uptime();
  const at = (seconds: number) => timestamp(Math.round(now - (uptime - seconds) * 1000));
  const items = registry.nodes.toArray().map(node => {
    const startedAt = textOf(node.metadata?.["startedAt"]);
    return {
      id: node.id,
      instanceId: node.instanceID ?? "",
      hostname: node.hostname,
      available: node.available,
      local: node.local,
      version: textOf(node.metadata?.["version"]),
      clientVersion: textOf(node.client["version"]),
      nodeVersion: textOf(node.client["langVersion"])?.replace(/^v/, "") ?? null,
      ops: opsAddressOf(node.metadata),
      services: services.filter(({ nodeID }) => nodeID === node.id).map(({ fullName }) => fullName),
      upSince: node.local ? at(0) : startedAt,
      lastHeartbeat: node.local ? timestamp(now) : at(node.lastHeartbeatTime),
      cpu: node.cpu,
    };
  });
  return { items, nextCursor: null };
}

export function servicesOf(registry: Registry, breakerOf: (action: string) => Breaker): Services {
  const actions = registry.getActionList({ skipInternal: true }) as unknown as readonly ListedAction[];
  const groups = Map.groupBy(servicesIn(registry), ({ fullName }) => fullName);
  const items = [...groups.values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const own = actions.filter(({ name }) => name.startsWith(`${first.fullName}.`));
    return {
      name: first.name,
      version: versionOf(first),
      nodes: [first, ...rest].map(({ nodeID }) => nodeID),
      actions: own.map(({ name, count, available }) => ({
        name,
        instances: count,
        available,
        breaker: breakerOf(name),
      })),
    };
  });
  return { items: items.sort((a, b) => a.name.localeCompare(b.name)), nextCursor: null };
}
