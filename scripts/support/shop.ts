// A real shop in a process of its own, on free ports, for benchmarks and system tests.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..", "..");
/** What `npm start` runs, without npm between: a signal has to reach the shop itself. */
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { start: string } };
const startArguments = scripts.start.split(" ").slice(1);
export const ADMIN = { email: "admin@comptoir.local", password: "correct horse battery" };
const settings = {
  COMPTOIR_PORT: "0",
  COMPTOIR_OPS_PORT: "0",
  COMPTOIR_ADMIN_EMAIL: ADMIN.email,
  COMPTOIR_ADMIN_PASSWORD: ADMIN.password,
  COMPTOIR_RATE_LIMIT: "0",
};
const START_TIMEOUT_MS = 20_000;

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

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "comptoir-"));

/** Resolves once the shop has printed its ready line. @throws with its output when it ends before that */
export async function startShop({
  data = temporaryFolder(),
  env = {},
  execArgv = [],
}: ShopOptions = {}): Promise<Shop> {
  const child = spawn(process.execPath, [...execArgv, ...startArguments], {
    cwd: root,
    env: { ...settings, COMPTOIR_DATA: data, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = once(child, "exit");
  const url = await readyUrl(child, () => errors);
  return {
    url,
    data,
    process: child,
    log: () => errors,
    async stop() {
      child.kill("SIGINT");
      await exited;
      return child.exitCode;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    adminToken: () => login(url),
  };
}

async function readyUrl(child: ChildProcess, errors: () => string): Promise<string> {
  if (child.stdout === null) throw new Error("The shop has no stdout");
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready (http\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    clearTimeout(timer);
    child.stdout.resume();
    return url;
  }
  clearTimeout(timer);
  throw new Error(`The shop ended before it was ready:\n${errors()}`);
}

async function login(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ADMIN),
  });
  if (!answer.ok) throw new Error(`Login: ${String(answer.status)} ${await answer.text()}`);
  const { accessToken } = (await answer.json()) as { accessToken: string };
  return accessToken;
}
