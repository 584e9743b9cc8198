// Which servers a node of a cluster needs before it starts. What it can do without for a while it does not wait for.
import type { Config } from "./config.ts";
import { checkNats } from "./nats-check.ts";
import { needsDatabase } from "./restored.ts";
import type { ServerCheck } from "./servers.ts";
import { checkMongo, mongoHosts } from "./store/mongo-client.ts";

export function clusterServers({ cluster, services }: Pick<Config, "cluster" | "services">): ServerCheck[] {
  if (cluster === null) return [];
  const { nats, mongo, kafka } = cluster;
  const checks: ServerCheck[] = [
    { name: `NATS ${nats.servers.join(", ")}`, prefix: "NATS", attempt: () => checkNats(nats) },
  ];
  if (needsDatabase(services))
    checks.push({ name: `MongoDB ${mongoHosts(mongo.url)}`, prefix: "MONGO", attempt: () => checkMongo(mongo) });
  if (services.includes("bridge"))
    checks.push({
      ...{ name: `Kafka ${kafka.brokers.join(", ")}`, prefix: "KAFKA" },
      // Nobody else loads the client.
      attempt: async () => (await import("./kafka-client.ts")).checkKafka(kafka),
    });
  return checks;
}
