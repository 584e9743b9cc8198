// A real shop in one process, on free ports, for benchmarks and system tests.
import type { ChildProcess } from "node:child_process";
import { login, startNode, temporaryFolder } from "./node-process.ts";

export { ADMIN, temporaryFolder } from "./node-process.ts";

/** On a machine that does much else a start takes long. */
const START_TIMEOUT_MS = 60_000;

export interface ShopOptions {
  /** A new temporary folder when left out. */
  readonly data?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For node itself: profiling flags. */
  readonly execArgv?: readonly string[];
}

export interface Shop {
  readonly url: string;
  readonly data: string;
  readonly process: ChildProcess;
  /** All that it wrote to stderr. */
  readonly log: () => string;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  adminToken(): Promise<string>;
}

/** Resolves once the shop has printed its ready line. @throws with its output when it ends before that */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { data = temporaryFolder(), env = {}, execArgv = [] } = options;
  const node = await startNode({ data, env, execArgv, timeoutMs: START_TIMEOUT_MS });
  const { url } = node;
  if (url === null) throw new Error("The shop has no gateway");
  return {
    url,
    data,
    process: node.process,
    log: node.log,
    stop: () => node.end("SIGINT"),
    async kill() {
      await node.end("SIGKILL");
    },
    adminToken: () => login(url),
  };
}
