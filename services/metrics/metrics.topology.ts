// The gauges that moleculer-prometheus sets, in our registry: it asks its client for metrics by their names.
import { gauge } from "../../core/metrics/registry.ts";
import type { Gauge } from "../../core/metrics/series.ts";

export const topologyNames = [
  "moleculer_nodes_total",
  "moleculer_services_total",
  "moleculer_actions_total",
  "moleculer_events_total",
  "moleculer_nodes",
  "moleculer_action_endpoints_total",
  "moleculer_service_endpoints_total",
  "moleculer_event_endpoints_total",
] as const;

interface Labelled {
  labels(labels?: Readonly<Record<string, string>>): Gauge;
}

/** What it calls of prom-client's Gauge. */
export class TopologyGauge {
  readonly #family: Labelled;

  /** @throws TypeError for a metric that is not of the topology. */
  constructor({ name }: { readonly name: string }) {
    const known = topologyNames.find(each => each === name);
    if (known === undefined)
      throw new TypeError(`${name} is no metric of the topology: name it in metrics.topology.ts`);
    this.#family = gauge(known);
  }

  set(labels: Readonly<Record<string, string | number | undefined>> | number, value = 0): void {
    if (typeof labels === "number") {
      this.#family.labels().set(labels);
      return;
    }
    const said = Object.entries(labels).map(([label, given]) => [label, given === undefined ? "" : String(given)]);
    this.#family.labels(Object.fromEntries(said) as Record<string, string>).set(value);
  }
}

/** Nodes that were given up have no series any more. */
export function resetTopology(): void {
  for (const name of topologyNames) gauge(name).reset();
}
