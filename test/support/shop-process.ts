// A real shop and a real import: processes on a data folder and a port of their own, and a client to look inside.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "../../core/contracts/common.ts";

export const ROOT = new URL("../..", import.meta.url).pathname;
/** What `npm start` runs, without npm between: a signal has to reach the shop itself. */
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: { start: string } };
const START = scripts.start.split(" ").slice(1);
const ADMIN = { email: "admin@comptoir.local", password: "a password for the test" };

export interface ShopProcess {
  readonly url: string;
  readonly data: string;
  readonly child: ChildProcess;
  get<T>(path: string): Promise<T>;
  /** All pages of a list. */
  all<T>(path: string): Promise<T[]>;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const settings = (data: string, port: string): NodeJS.ProcessEnv => ({
  ...process.env,
  COMPTOIR_DATA: data,
  COMPTOIR_PORT: port,
  COMPTOIR_OPS_PORT: "0",
  COMPTOIR_ADMIN_PASSWORD: ADMIN.password,
  COMPTOIR_LOG_LEVEL: "warn",
});

/** @param port 0 for any free one. Ready when this returns. */
export async function startShop(data: string, port = "0"): Promise<ShopProcess> {
  const child = spawn(process.execPath, START, {
    cwd: ROOT,
    env: settings(data, port),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let url = "";
  for await (const line of createInterface({ input: child.stdout })) {
    url = /^ready (\S+)/.exec(line)?.[1] ?? "";
    if (url !== "") break;
  }
  child.stdout.resume();
  const login = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ADMIN),
  });
  const { accessToken } = (await login.json()) as { accessToken: string };
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
    if (!response.ok) throw new Error(`${path}: ${String(response.status)} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const all = async <T>(path: string): Promise<T[]> => {
    const items: T[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Page<T> = await get(`${path}?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return { url, data, child, get, all, end };
}

/** A shop on a folder of its own for as long as `use` runs. */
export async function withShop(use: (shop: ShopProcess) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "shop-"));
  const shop = await startShop(data);
  try {
    await use(shop);
  } finally {
    await shop.end("SIGKILL");
    rmSync(data, { recursive: true });
  }
}

export function startImport(shop: ShopProcess, file: string): ChildProcess {
  const report = join(shop.data, "refused.csv");
  return spawn(process.execPath, ["scripts/import/main.ts", file, "--url", shop.url, "--report", report], {
    cwd: ROOT,
    env: settings(shop.data, "0"),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout. */
  readonly summary: Record<string, unknown>;
}

export async function ended(child: ChildProcess): Promise<Ended> {
  if (child.stdout === null || child.stderr === null) throw new Error("The process was started without pipes");
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { code, stdout, stderr, summary: last.startsWith("{") ? (JSON.parse(last) as Record<string, unknown>) : {} };
}

/** Peak resident memory of a running process in MiB, from Linux' /proc. */
export function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}
