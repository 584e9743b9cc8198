// The event log of the mode that the process runs in.
import { join } from "node:path";
import type { Environment } from "../../core/environment.ts";
import { StartupError } from "../../core/startup-error.ts";
import type { EventLog } from "./event-log.ts";
import { localLog } from "./local-log.ts";

export interface Logger {
  warn(message: string, data?: unknown): void;
  debug(message: string, data?: unknown): void;
}

export interface OpenedLog {
  readonly log: EventLog;
  /** Subscribing before that would be in vain. */
  isReady(): boolean;
  /** @throws StartupError when the log cannot be had in time */
  start(logger: Logger): Promise<void>;
}

/** Nothing catches it here: the process ends with this one line (core/main.ts). */
function onFatal(error: Error): void {
  setImmediate(() => {
    throw new StartupError(error.message);
  });
}

function openLocal({ config, clock }: Environment): OpenedLog {
  const log = localLog(join(config.data, "bridge.sqlite"), { clock, durability: config.durability, onFatal });
  return { log, isReady: () => true, start: () => Promise.resolve() };
}

export async function openLog(environment: Environment): Promise<OpenedLog> {
  const { cluster } = environment.config;
  if (cluster === null) return openLocal(environment);
  return (await import("./open-kafka.ts")).openKafka(environment, cluster);
}
