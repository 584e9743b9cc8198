// A node in a process of its own, on free ports, as `npm start` runs it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithThisProcess } from "./watchdog.ts";

const root = join(import.meta.dirname, "..", "..");
/** What `npm start` runs, without npm between: a signal has to reach the node itself. */
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { start: string } };
const startArguments = scripts.start.split(" ").slice(1);
export const ADMIN = { email: "admin@comptoir.local", password: "correct horse battery" };
const settings = {
  COMPTOIR_PORT: "0",
  COMPTOIR_OPS_PORT: "0",
  COMPTOIR_ADMIN_EMAIL: ADMIN.email,
  COMPTOIR_ADMIN_PASSWORD: ADMIN.password,
  COMPTOIR_RATE_LIMIT: "0",
  // Spares a third of what a start costs.
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compile"),
};

export interface NodeOptions {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  /** For node itself: profiling flags. */
  readonly execArgv?: readonly string[];
  readonly timeoutMs: number;
  /** Of the release that it runs; this one when left out. */
  readonly root?: string;
}

export interface NodeProcess {
  /** Of the REST API; null without a gateway. */
  readonly url: string | null;
  readonly opsUrl: string;
  readonly process: ChildProcess;
  /** All that it wrote to stderr. */
  readonly log: () => string;
  /** Resolves with the exit code, which is null after a kill -9. */
  end(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "comptoir-"));

/** Resolves once it has said that it is ready. @throws with its output when it ends before that */
export async function startNode({
  data,
  env,
  execArgv = [],
  timeoutMs,
  root: cwd = root,
}: NodeOptions): Promise<NodeProcess> {
  const child = spawn(process.execPath, [...execArgv, ...startArguments], {
    cwd,
    env: { ...settings, COMPTOIR_DATA: data, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = once(child, "close");
  const announced = await announcement(child, timeoutMs, () => errors);
  return {
    ...announced,
    process: child,
    log: () => errors,
    async end(signal) {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

type Announcement = Pick<NodeProcess, "url" | "opsUrl">;

async function announcement(child: ChildProcess, timeoutMs: number, errors: () => string): Promise<Announcement> {
  if (child.stdout === null) throw new Error("The node has no stdout");
  let why = "ended before it was ready";
  const timer = setTimeout(() => {
    why = `was not ready within ${String(timeoutMs / 1000)} s`;
    child.kill("SIGKILL");
  }, timeoutMs);
  let url: string | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /^ready (http\S+)/.exec(line)?.[1] ?? null;
    const opsUrl = /^ {2}ops +(http:\/\/[^/\s]+)/.exec(line)?.[1];
    if (opsUrl === undefined) continue;
    clearTimeout(timer);
    child.stdout.resume();
    return { url, opsUrl };
  }
  clearTimeout(timer);
  throw new Error(`The node ${why}:\n${errors().slice(-5_000)}`);
}

/** An access token of the administrator. */
export async function login(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ADMIN),
  });
  if (!answer.ok) throw new Error(`Login: ${String(answer.status)} ${await answer.text()}`);
  const { accessToken } = (await answer.json()) as { accessToken: string };
  return accessToken;
}
