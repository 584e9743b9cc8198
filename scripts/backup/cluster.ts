// Backup of a cluster: its documents in MongoDB, its log and the groups' positions in Kafka, in one file.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { checkDump, DUMP_FORMAT, writeDump, type DumpLine } from "../../core/backup/dump-file.ts";
import { takeCut } from "../../core/backup/cut.ts";
import { backupName } from "../../core/backup/manifest.ts";
import { UNFINISHED } from "../../core/backup/take.ts";
import { WorkingSet } from "../../core/backup/working-set.ts";
import type { ToolConfig } from "../../core/config.ts";
import type { ClusterConfig } from "../../core/config-cluster.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { StartupError } from "../../core/startup-error.ts";
import { MongoDump } from "../../core/store/mongo-dump.ts";
import { systemClock as clock } from "../../core/system.ts";
import { closing } from "./closing.ts";
import type { Summary } from "./embedded.ts";
import { openHolder } from "./holder.ts";
import { LogCopy, type Positions } from "./log-copy.ts";

interface BackupOptions {
  readonly folder: string;
  readonly url: string | undefined;
  readonly signal: AbortSignal;
}

function* linesOf(set: WorkingSet, topics: ReadonlyMap<string, number>, positions: Positions): Generator<DumpLine> {
  for (const [topic, partitions] of topics) yield { kind: "topic", topic, partitions };
  for (const item of set.items()) yield { kind: "document", ...item };
  for (const message of set.messages()) yield { kind: "message", ...message };
  for (const { group, topic, partition, offset } of positions)
    yield { kind: "group", group, topic, partition, done: set.messagesBefore(topic, partition, offset) };
}

export const requireCluster = ({ cluster }: ToolConfig): ClusterConfig => {
  if (cluster === null) throw new StartupError("this is a cluster's: set NATS_URL, MONGO_URL and KAFKA_BROKERS");
  return cluster;
};

/** @throws StartupError while a restore runs, or was interrupted */
async function requireWhole(dump: Pick<MongoDump, "mark">, namespace: string): Promise<void> {
  if ((await dump.mark()) === null) return;
  throw new StartupError(`${namespace} is half restored: there is nothing to back up until the restore has ended`);
}

/** @throws StartupError, ShopError; then no backup is there */
export async function backupCluster(settings: ToolConfig, options: BackupOptions): Promise<Summary> {
  const { signal, folder, url } = options;
  const { namespace } = settings;
  const cluster = requireCluster(settings);
  const path = join(folder, `${backupName(timestamp(clock.now()))}.comptoir.gz`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return closing(async keep => {
    const dump = keep(await MongoDump.open(cluster.mongo, namespace));
    await requireWhole(dump, namespace);
    const log = keep(await LogCopy.open(cluster.kafka, namespace));
    const holder = keep(await openHolder(settings, url, signal));
    const set = new WorkingSet(`${path}${UNFINISHED}.sqlite`);
    try {
      // Before any document is read: what the groups took until then is surely in the documents.
      const positions = await log.positions();
      const { ends, takenAt } = await takeCut({
        ...{ dump, set, signal, holder },
        mark: async () => {
          // One that began meanwhile may have all documents in already, and not yet all of the log.
          await requireWhole(dump, namespace);
          return { takenAt: timestamp(clock.now()), ends: await log.ends() };
        },
      });
      if (set.isEmpty) throw new StartupError(`MongoDB has nothing of ${namespace}: there is nothing to back up`);
      await log.copy(ends, set, signal);
      // One that began during the copy has made the topics anew: what was read of them is of another shop.
      await requireWhole(dump, namespace);
      const header = { comptoir: "backup", format: DUMP_FORMAT, namespace, takenAt } as const;
      const bytes = await writeDump(path, header, linesOf(set, log.partitionsIn(ends), positions), signal);
      await checkDump(path);
      return { path, bytes, takenAt };
    } finally {
      set.remove();
    }
  });
}
