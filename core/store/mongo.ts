// The cluster's databases: one MongoDB database per service, of the same name in every process.
import type { ClusterConfig } from "../config-cluster.ts";
import type { HostedDatabase } from "../environment.ts";
import { hostDatabase, type HostOptions } from "./host.ts";
import { MongoConnection } from "./mongo-adapter.ts";
import { createMongoDriver } from "./mongo-driver.ts";

interface MongoHostOptions extends Omit<HostOptions, "name" | "adapter" | "openDriver"> {
  readonly namespace: string;
  readonly cluster: Pick<ClusterConfig, "mongo" | "startupTimeoutMs">;
  readonly onFatal: (error: Error) => void;
}

/** Answers the database of a name: `<namespace>_<name>`. */
export function mongoDatabases({
  namespace,
  cluster,
  onFatal,
  ...options
}: MongoHostOptions): (name: string) => HostedDatabase {
  return name => {
    const adapter = new MongoConnection({
      config: cluster.mongo,
      name: `${namespace}_${name}`,
      clock: options.clock,
      startupTimeoutMs: cluster.startupTimeoutMs,
      onFatal,
    });
    return hostDatabase({
      ...options,
      name,
      system: "mongodb",
      adapter,
      openDriver: spec => createMongoDriver(spec, adapter, options.clock),
    });
  };
}
