// Registry: the nodes and services of the cluster, as this node's Moleculer registry sees them.
import type { Context, Service, ServiceSchema } from "moleculer";
import { registryActions } from "../../core/contracts/registry.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import { breakersSeen, nodesOf, servicesOf, type Breaker, type BreakerEvent, type Registry } from "./registry.view.ts";

/** As often as nodes tell each other. */
const LOOK_EVERY_MS = 5_000;

export function createService({ clock }: Environment): ServiceSchema {
  const breakers = breakersSeen();
  const looking = createLoop(clock, LOOK_EVERY_MS);
  let known: Registry | undefined;
  const registry = () => {
    if (known === undefined) throw new Error("The registry service has not been created");
    return known;
  };
  // They are broadcast: only this node's breakers are this node's view.
  const seen = (state: Breaker) => (ctx: Context<BreakerEvent>) => {
    if (ctx.nodeID === ctx.broker.nodeID) breakers.saw(ctx.params, state);
  };
  return {
    name: "registry",
    version: 1,
    actions: implement(registryActions, {
      "v1.registry.nodes": () => Promise.resolve(nodesOf(registry(), clock.now())),
      "v1.registry.services": () => Promise.resolve(servicesOf(registry(), breakers)),
    }),
    events: {
      "$circuit-breaker.opened": seen("OPEN"),
      "$circuit-breaker.half-opened": seen("HALF_OPEN"),
      "$circuit-breaker.closed": seen("CLOSED"),
    },
    created(this: Service) {
      known = this.broker.registry;
    },
    started(this: Service) {
      // Moleculer looks at the CPU when it tells other nodes, and a node by itself has none.
      const { localNode } = this.broker.registry.nodes;
      looking.start(
        async () => localNode?.updateLocalInfo(() => this.broker.getCpuUsage()),
        error => {
          this.logger.warn("The CPU usage cannot be read", { err: error });
        },
      );
    },
    stopped: () => looking.stop(),
  };
}
