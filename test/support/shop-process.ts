// A real shop with a client to look inside, and a real import into it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ADMIN, startShop, temporaryFolder, type Shop, type ShopOptions } from "../../scripts/support/shop.ts";
import { client, type Client } from "./client.ts";

export const ROOT = new URL("../..", import.meta.url).pathname;

export interface OpenShop {
  readonly shop: Shop;
  readonly api: Client;
}

export async function openShop(options: ShopOptions = {}): Promise<OpenShop> {
  const shop = await startShop({ ...options, env: { COMPTOIR_LOG_LEVEL: "warn", ...options.env } });
  return { shop, api: client(shop.url, await shop.adminToken()) };
}

/** A shop on a folder of its own for as long as `use` runs. */
export async function withShop(
  use: (open: OpenShop) => Promise<void>,
  options: Omit<ShopOptions, "data"> = {},
): Promise<void> {
  const data = temporaryFolder();
  const open = await openShop({ ...options, data });
  try {
    await use(open);
  } finally {
    await open.shop.kill();
    rmSync(data, { recursive: true });
  }
}

/** @param shop where it is, and a folder for the report. */
export function startImport(shop: Pick<Shop, "url" | "data">, file: string): ChildProcess {
  const report = join(shop.data, "refused.csv");
  return spawn(process.execPath, ["scripts/import/main.ts", file, "--url", shop.url, "--report", report], {
    cwd: ROOT,
    env: { COMPTOIR_ADMIN_EMAIL: ADMIN.email, COMPTOIR_ADMIN_PASSWORD: ADMIN.password, TZ: "UTC" },
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

/** Peak resident memory of a process in MiB, from Linux' /proc. Undefined of one that is just ending: its memory is gone first. */
export function peakMemory(pid: number | undefined): number | undefined {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return peak === undefined ? undefined : Number(peak) / 1024;
}
