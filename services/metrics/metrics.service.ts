// Metrics: how the cluster is put together, as this node's registry sees it. moleculer-prometheus reads the registry. Its
// request series need events that Moleculer no longer sends, and its own port stays closed: the ops port shows the gauges.
import type { Service, ServiceSchema } from "moleculer";
import Prometheus from "moleculer-prometheus";
import { resetTopology, TopologyGauge } from "./metrics.topology.ts";

interface Topology extends Service {
  client: { readonly Gauge: typeof TopologyGauge };
  createMetrics(definitions: object): void;
  updateCommonValues(): Promise<void>;
}

const { createMetrics, update, updateCommonValues } = Prometheus.methods;
const without = { moleculer_req_total: null, moleculer_req_errors_total: null, moleculer_req_duration_ms: null };
const definitions = { ...Prometheus.settings.metrics, ...without };

function look(this: Topology): Promise<void> {
  return this.updateCommonValues();
}

type Unnamed = Record<string, unknown>;

export const createService = (): ServiceSchema<Unnamed, Unnamed, Unnamed, Topology> => ({
  name: "metrics",
  version: 1,
  methods: {
    createMetrics,
    update,
    async updateCommonValues(this: Topology) {
      // What is asked is a service too, and may start after this one: then its coming is the next change.
      if (!this.broker.registry.actions.isAvailable("$node.events")) return;
      resetTopology();
      await updateCommonValues.call(this);
    },
  },
  events: { "$services.changed": look, "$node.connected": look, "$node.disconnected": look },
  async started(this: Topology) {
    this.client = { Gauge: TopologyGauge };
    this.createMetrics(definitions);
    await this.updateCommonValues();
  },
});
