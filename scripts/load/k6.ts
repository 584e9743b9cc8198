// k6 as a child: found or installed, run, and ended in order.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { install } from "../support/servers.ts";
import { endWithThisProcess } from "../support/watchdog.ts";

const run = promisify(execFile);

/** The first release that strips types and has the executors' names of today. */
const OLDEST_MAJOR = 1;

async function versionOf(command: string): Promise<string | null> {
  try {
    return /v(\d+\.\S+)/.exec((await run(command, ["version"])).stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

/**
 * The one on the PATH when it is new enough, else one that is installed now.
 * @param say told why it takes so long. @throws with what is missing and what to do instead
 */
export async function findK6(say: (line: string) => void): Promise<string> {
  const version = await versionOf("k6");
  if (version !== null && Number.parseInt(version, 10) >= OLDEST_MAJOR) return "k6";
  const why = version === null ? "there is no k6 on the PATH" : `the k6 on the PATH is ${version}, and 1.0 is needed`;
  say(`${why}: taking one of its own; the first time it is built from its source, which takes some minutes`);
  return install("k6");
}

export interface RunOptions {
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Pushes what it measures to a Prometheus while it runs. */
  readonly isPushed: boolean;
  /** Without the progress bars, when nobody watches. */
  readonly isQuiet: boolean;
}

export interface Running {
  /** The exit code, and the last line of JSON that it printed; null when there was none. */
  readonly ended: Promise<{ code: number; summary: Summary | null }>;
  /** The first time in order: it stops the load, looks at the books and prints its summary. The second time at once. */
  interrupt(): void;
}

export interface Summary {
  readonly orders: { readonly lost: number } | null;
}

export function startK6(command: string, { script, env, isPushed, isQuiet }: RunOptions): Running {
  const output = isPushed ? ["--out", "experimental-prometheus-rw"] : [];
  const quiet = isQuiet ? ["--quiet"] : [];
  // A free port for its own API: two runs may meet on one machine.
  const args = ["run", "--no-usage-report", "--address", "127.0.0.1:0", ...quiet, ...output, script];
  // A group of its own: a terminal's Ctrl-C would reach it besides ours, and the second one ends it without a summary.
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  endWithThisProcess(child);
  return { ended: ending(child), interrupt: () => child.kill("SIGINT") };
}

async function ending(child: ChildProcess): ReturnType<() => Running["ended"]> {
  const exit = once(child, "exit") as Promise<[number | null]>;
  let summary: Summary | null = null;
  if (child.stdout !== null) {
    child.stdout.on("data", (chunk: Buffer) => process.stdout.write(chunk));
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith("{")) summary = JSON.parse(line) as Summary;
  }
  const [code] = await exit;
  return { code: code ?? 1, summary };
}
