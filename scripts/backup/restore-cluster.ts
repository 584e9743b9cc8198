// Restore of a cluster. From the mark on until all is in, no node starts in the namespace: whenever this is interrupted, what
// is left is either what was there before or what another run of it replaces.
import { statSync } from "node:fs";
import { checkDump } from "../../core/backup/dump-file.ts";
import type { ToolConfig } from "../../core/config.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { StartupError } from "../../core/startup-error.ts";
import { MongoDump } from "../../core/store/mongo-dump.ts";
import { systemClock as clock } from "../../core/system.ts";
import { SILENCE_MS } from "../../moleculer.config.ts";
import { closing } from "./closing.ts";
import { requireCluster } from "./cluster.ts";
import type { Summary } from "./embedded.ts";
import { fillCluster } from "./fill.ts";
import { LogCopy } from "./log-copy.ts";
import { Neighbours } from "./neighbours.ts";
import { UnfinishedRestoreError } from "./unfinished.ts";

/** For nodes that joined while the mark was set: they are just starting. */
const NEWCOMERS_MS = 2_000;
/** Kafka counts a process that was killed among a group's for its session of 10 s. */
const READERS_MS = 30_000;
const POLL_MS = 500;

interface RestoreOptions {
  /** Null: where it came from. */
  readonly into: string | null;
  readonly force: boolean;
  readonly signal: AbortSignal;
}

interface Target {
  readonly namespace: string;
  readonly dump: MongoDump;
  readonly log: LogCopy;
  readonly neighbours: Neighbours;
}

async function requireEmpty({ dump, log, namespace }: Target): Promise<void> {
  const [noDocuments, noMessages] = [await dump.isEmpty(), await log.isEmpty()];
  if (noDocuments && noMessages) return;
  const what = [...(noDocuments ? [] : ["databases"]), ...(noMessages ? [] : ["topics"])].join(" and ");
  throw new StartupError(
    `${namespace} has ${what} already: restore --into another namespace, or add --force to delete them first`,
  );
}

/** Nodes are in NATS, whatever they serve. A bridge that is cut off from there is still in its groups in Kafka. */
async function requireNobody({ neighbours, log, namespace }: Target, ms: number, signal: AbortSignal): Promise<void> {
  const nodes = await neighbours.names(ms, signal);
  if (nodes.length > 0)
    throw new StartupError(`${namespace} is in use by the nodes ${nodes.join(", ")}: stop it first`);
  const end = performance.now() + READERS_MS;
  for (let readers = await log.users(); readers.length > 0; readers = await log.users()) {
    if (performance.now() > end)
      throw new StartupError(`${namespace} is in use (${readers.join(", ")} read its log): stop it first`);
    signal.throwIfAborted();
    await clock.sleep(POLL_MS);
  }
}

const inOneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " | ");

async function replaceAll(file: string, { dump, log }: Target, signal: AbortSignal): Promise<void> {
  await dump.drop();
  await log.drop();
  await fillCluster({ file, dump, log, signal });
  signal.throwIfAborted();
  await dump.removeMark();
}

/** @param isHalf whether an earlier restore has left its mark. */
async function replaceMarked(file: string, target: Target, isHalf: boolean, signal: AbortSignal): Promise<void> {
  const { dump, namespace } = target;
  let isTouched = isHalf;
  try {
    await dump.setMark({ backup: file, begunAt: timestamp(clock.now()) });
    await requireNobody(target, NEWCOMERS_MS, signal);
    signal.throwIfAborted();
    isTouched = true;
    await replaceAll(file, target, signal);
  } catch (error) {
    const isUnmarked =
      !isTouched &&
      (await dump.removeMark().then(
        () => true,
        () => false,
      ));
    if (isUnmarked) throw error;
    const reason = signal.aborted ? "stopped" : inOneLine(error);
    throw new UnfinishedRestoreError(
      `${reason}; the restore into ${namespace} is unfinished and no node starts there: run it again`,
      { cause: error },
    );
  }
}

/** @throws UnfinishedRestoreError; any other error means that nothing was changed */
export async function restoreCluster(file: string, settings: ToolConfig, options: RestoreOptions): Promise<Summary> {
  const { into, force, signal } = options;
  const cluster = requireCluster(settings);
  const header = await checkDump(file);
  const namespace = into ?? settings.namespace;
  return closing(async keep => {
    const neighbours = keep(await Neighbours.open(cluster, namespace));
    const dump = keep(await MongoDump.open(cluster.mongo, namespace));
    const log = keep(await LogCopy.open(cluster.kafka, namespace));
    const target = { namespace, dump, log, neighbours };
    await requireNobody(target, SILENCE_MS, signal);
    // No node has run since an interrupted restore: what is there is worth nothing, and was given up then.
    const isHalf = (await dump.mark()) !== null;
    if (!isHalf && !force) await requireEmpty(target);
    signal.throwIfAborted();
    await replaceMarked(file, target, isHalf, signal);
    return { path: namespace, bytes: statSync(file).size, takenAt: header.takenAt };
  });
}
