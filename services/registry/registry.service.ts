// Registry: the nodes and services of the cluster, as this node's Moleculer registry sees them.
import type { Context, Service, ServiceSchema } from "moleculer";
import { registryActions } from "../../core/contracts/registry.ts";
import type { Environment } from "../../core/environment.ts";
import { implement } from "../../core/service.ts";
import { breakersSeen, nodesOf, servicesOf, type Breaker, type BreakerEvent, type Registry } from "./registry.view.ts";

export function createService({ clock }: Environment): ServiceSchema {
  const breakers = breakersSeen();
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
  };
}
