// Registry: the nodes and services of the cluster, as this node's Moleculer registry sees them.
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { registryActions } from "../../core/contracts/registry.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import { logLevels, setLogLevel } from "./registry.logs.ts";
import { nodesOf, servicesOf, worstBreakers, type SeenBreaker } from "./registry.view.ts";

/** As often as nodes tell each other. */
const LOOK_EVERY_MS = 5_000;

/** A node that is frozen and not yet given up must not hold up the page. */
const ASK_MS = 500;

/** Of every node, because each keeps its own; one that does not answer has nothing to tell. */
async function breakersOf(broker: ServiceBroker): Promise<SeenBreaker[]> {
  const nodes = broker.registry.nodes.toArray().filter(({ available }) => available);
  const answers = await Promise.allSettled(
    nodes.map(({ id }) => broker.call<SeenBreaker[], object>("$node.breakers", {}, { nodeID: id, timeout: ASK_MS })),
  );
  return answers.flatMap(answer => (answer.status === "fulfilled" ? answer.value : []));
}

export function createService({ clock }: Environment): ServiceSchema {
  const looking = createLoop(clock, LOOK_EVERY_MS);
  let own: ServiceBroker | undefined;
  const broker = () => {
    if (own === undefined) throw new Error("The registry service has not been created");
    return own;
  };
  return {
    name: "registry",
    version: 1,
    actions: implement(registryActions, {
      "v1.registry.nodes": () => Promise.resolve(nodesOf(broker().registry, clock.now())),
      "v1.registry.logLevels": () => logLevels(broker()),
      "v1.registry.setLogLevel": change => setLogLevel(broker(), change),
      "v1.registry.services": async () => servicesOf(broker().registry, worstBreakers(await breakersOf(broker()))),
    }),
    created(this: Service) {
      own = this.broker;
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
