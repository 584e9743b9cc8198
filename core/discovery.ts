// Prometheus' HTTP service discovery: where the ops ports of the cluster's nodes are, as Moleculer's registry knows them.
// Source of the format: https://prometheus.io/docs/prometheus/latest/http_sd/
import { hostname } from "node:os";
import type { ServiceBroker } from "moleculer";

export interface Target {
  /** HOST:PORT of one ops port. */
  readonly targets: readonly [string];
  readonly labels: {
    /** The node's id in the cluster. */
    readonly node: string;
    /** Its services with a comma before and after each, so that `.*,order,.*` finds one. */
    readonly node_services: string;
  };
}

const everywhere = ["0.0.0.0", "::"];

/**
 * HOST:PORT under which others reach a port of this process. One that listens on every address is known by its machine's
 * name: containers of one network find each other by it.
 */
export function reachableAt(host: string, port: number): string {
  const name = everywhere.includes(host) ? hostname() : host;
  return `${name.includes(":") ? `[${name}]` : name}:${String(port)}`;
}

/** What a node tells the others of its ops port; null when it has none (an operator's REPL) or is of an older release. */
export function opsAddressOf(metadata: object | null | undefined): string | null {
  const told: unknown = metadata === null || metadata === undefined ? null : Reflect.get(metadata, "ops");
  return typeof told === "string" ? told : null;
}

type Listed = Readonly<Record<"name" | "nodeID", string>>;

/** The nodes that are there, in the order of their ids, so that the same nodes are the same answer. */
export function targetsOf({ registry }: Pick<ServiceBroker, "registry">): Target[] {
  const services = registry.getServiceList({ skipInternal: true }) as unknown as readonly Listed[];
  const namesOn = (id: string) => services.filter(({ nodeID }) => nodeID === id).map(({ name }) => name);
  const nodes = registry.nodes.toArray().filter(({ available }) => available);
  return nodes
    .flatMap(({ id, metadata }) => {
      const address = opsAddressOf(metadata);
      if (address === null) return [];
      const names = [...new Set(namesOn(id))].sort();
      return [{ targets: [address] as const, labels: { node: id, node_services: `,${names.join(",")},` } }];
    })
    .sort((a, b) => a.labels.node.localeCompare(b.labels.node));
}

export interface Page {
  readonly status: number;
  readonly body: unknown;
}

/** `GET /targets` of a node: one place answers, so that nobody scrapes a cluster as an island sees it by mistake. */
export function discoveryPage(broker: Pick<ServiceBroker, "registry">, services: readonly string[]): Page {
  const targets = targetsOf(broker);
  if (services.includes("registry")) return { status: 200, body: targets };
  const registries = targets.filter(({ labels }) => labels.node_services.includes(",registry,"));
  const where = registries.map(({ targets: [address] }) => `http://${address}/targets`);
  const detail = "Only a node that runs the registry service answers /targets";
  return { status: 404, body: { status: "not here", detail, try: where } };
}
