// Which servers a node of a cluster needs before it starts.
import type { ClusterConfig } from "./config-cluster.ts";
import { checkNats } from "./nats.ts";
import type { ServerCheck } from "./servers.ts";

export function clusterServers({ nats }: ClusterConfig): ServerCheck[] {
  return [{ name: `NATS ${nats.servers.join(", ")}`, attempt: () => checkNats(nats) }];
}
