// Whether a cluster's databases are whole: beside a restore that runs or was interrupted no node starts.
import type { Middleware } from "moleculer";
import type { Config } from "./config.ts";
import { waitForServers } from "./servers.ts";
import { StartupError } from "./startup-error.ts";
import type { RestoreMark } from "./store/mongo-restore-mark.ts";

const keepNothing = ["backup", "gateway", "metrics", "registry"];

/** They neither write nor deliver anything: a node of these alone starts without MongoDB, unless that says no. */
export const needsDatabase = (services: readonly string[]): boolean =>
  services.some(name => !keepNothing.includes(name));

type Place = Pick<Config, "cluster" | "namespace" | "services">;

async function findMark({ cluster, namespace, services }: Place, say: (line: string) => void) {
  if (cluster === null) return null;
  const { mongo, startupTimeoutMs: timeoutMs } = cluster;
  const [{ readMark }, { describeError, mongoHosts }] = await Promise.all([
    import("./store/mongo-restore-mark.ts"),
    import("./store/mongo-client.ts"),
  ]);
  if (!needsDatabase(services)) return readMark(mongo, namespace).catch(() => null);
  let found: RestoreMark | null = null;
  const attempt = async (): Promise<void> => {
    try {
      found = await readMark(mongo, namespace);
    } catch (error) {
      throw new Error(describeError(error, mongo), { cause: error });
    }
  };
  const server = { name: `MongoDB ${mongoHosts(mongo.url)}`, prefix: "MONGO", attempt } as const;
  await waitForServers([server], { timeoutMs, setting: "COMPTOIR_STARTUP_TIMEOUT", say });
  return found;
}

/** @throws StartupError when a restore into the namespace has not ended */
export async function requireRestoredCluster(place: Place, say: (line: string) => void): Promise<void> {
  const mark = await findMark(place, say);
  if (mark === null) return;
  throw new StartupError(
    `the namespace ${place.namespace} is half restored (from ${mark.backup}, begun at ${mark.begunAt}): wait for that restore to end; if it was interrupted, run npm run restore again`,
  );
}

/**
 * Looks once more when the node has joined and before its services start. A restore sets its mark and then asks who is there,
 * a node joins and then looks for the mark: whatever comes first, one of the two sees the other.
 */
export function restoredFirst(place: Place): Middleware {
  let looked: Promise<void> | undefined;
  return {
    name: "RestoredFirst",
    serviceStarting({ logger }) {
      looked ??= requireRestoredCluster(place, line => {
        logger.warn(line);
      });
      return looked;
    },
  };
}
