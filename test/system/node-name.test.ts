// Two processes that were given one name: the one that is there stays, the newcomer waits for its end, or ends itself.
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startNode, temporaryFolder, type NodeProcess } from "../../scripts/support/node-process.ts";
import { startNats } from "../../scripts/support/servers.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { endWithThisProcess } from "../../scripts/support/watchdog.ts";
import { client } from "../support/client.ts";
import { ROOT } from "../support/shop-process.ts";

const START_MS = 60_000;

let nats: Server;
const data = temporaryFolder();
const started: NodeProcess[] = [];
const spawned: ChildProcess[] = [];

beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  for (const child of spawned) child.kill("SIGKILL");
  await Promise.all(started.map(node => node.end("SIGKILL")));
  await nats.stop();
  rmSync(data, { recursive: true, force: true });
});

const environment = (namespace: string) => ({
  // The other two are not asked for: the registry keeps nothing.
  ...{ NATS_URL: nats.url, MONGO_URL: "mongodb://127.0.0.1:1", KAFKA_BROKERS: "127.0.0.1:1" },
  ...{ SERVICES: "registry", COMPTOIR_NAMESPACE: namespace, COMPTOIR_NODE_ID: "twin.1" },
});

async function start(namespace: string, env: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
  const node = await startNode({
    data,
    timeoutMs: START_MS,
    env: { ...environment(namespace), ...env },
  });
  started.push(node);
  return node;
}

/** One that may never be ready; what it says. */
function spawnNode(namespace: string): () => string {
  const child = spawn(process.execPath, ["core/main.ts"], {
    cwd: ROOT,
    env: { COMPTOIR_DATA: data, COMPTOIR_PORT: "0", COMPTOIR_OPS_PORT: "0", ...environment(namespace) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child);
  spawned.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", chunk => (output += String(chunk)));
  return () => output;
}

const until = (output: () => string, text: RegExp): Promise<string> =>
  client("", "").until(
    () => Promise.resolve(output()),
    said => text.test(said),
  );

const isReady = async ({ opsUrl }: NodeProcess): Promise<boolean> => (await fetch(`${opsUrl}/ready`)).ok;

describe("A node whose name another process has", () => {
  it("ends with one line that says so, and leaves the other alone", async () => {
    const namespace = `t-${randomUUID().slice(0, 8)}`;
    const first = await start(namespace);
    await expect(start(namespace, { COMPTOIR_STARTUP_TIMEOUT: "3" })).rejects.toThrow(
      /^comptoir: NATS .* did not let this node in within 3 s \(another process is the node twin\.1 of t-\w+\): end that one, or give this one another COMPTOIR_NODE_ID$/m,
    );
    expect(await isReady(first)).toBe(true);
    const elsewhere = await start(`${namespace}-b`);
    expect(elsewhere.log()).not.toContain("waiting for");
    expect(await isReady(first)).toBe(true);
  });

  it("starts at once after the other was killed", async () => {
    const namespace = `t-${randomUUID().slice(0, 8)}`;
    const first = await start(namespace);
    await first.end("SIGKILL");
    const second = await start(namespace);
    expect(second.log()).not.toContain("waiting for");
    expect(await isReady(second)).toBe(true);
  });

  it("waits while the other stops, and then starts", async () => {
    const namespace = `t-${randomUUID().slice(0, 8)}`;
    const first = await start(namespace);
    const output = spawnNode(namespace);
    await until(output, /waiting for NATS .*another process is the node twin\.1/);
    expect(await first.end("SIGTERM")).toBe(0);
    await until(output, /^ready /m);
  });
});
