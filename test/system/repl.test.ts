// The REPL in a cluster does what docs/operations/repl.md shows.
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { endWithThisProcess } from "../../scripts/support/watchdog.ts";
import { requireServers, type Servers } from "../../scripts/support/servers.ts";

const PROMPT = "comptoir $ ";
const ANSWER_MS = 30_000;

let servers: Servers;
let cluster: Cluster;
let repl: ChildProcess | undefined;

beforeAll(async () => {
  servers = await requireServers(process.env);
  cluster = await startCluster({
    servers,
    nodes: [{ services: ["product"], count: 2 }, { services: ["inventory"] }],
    env: { COMPTOIR_LOG_LEVEL: "error" },
  });
}, 180_000);

afterAll(async () => {
  repl?.kill("SIGKILL");
  await cluster.kill();
  await servers.stop();
});

interface Exchange {
  readonly command: string;
  readonly output: readonly string[];
}

/** What is typed and what is to be seen then, from the page's transcript. */
function transcript(): Exchange[] {
  const page = readFileSync(new URL("../../docs/operations/repl.md", import.meta.url), "utf8");
  const text = /```text\n([^`]+)```/.exec(page)?.[1] ?? "";
  return text
    .split(PROMPT)
    .slice(1)
    .map(part => {
      const [command = "", ...output] = part.trimEnd().split("\n");
      return { command, output };
    });
}

/** Without what differs from run to run: numbers but none, addresses, the width of columns, bars. */
const masked = (line: string): string =>
  stripVTControlCharacters(line)
    .replaceAll(/\b0 error/g, "no error")
    // It has $node and nothing else: it serves no traffic.
    .replaceAll(/(operator[^│]*│)\s*1\s*│/g, "$1 one │")
    .replaceAll(/\d+(\.\d+)*/g, "#")
    .replaceAll(/[■.]{2,}/g, "bar")
    .replaceAll(/(═+|─+)/g, "═")
    .replaceAll(/[μm]s\b/g, "s")
    .replaceAll(/\s+/g, "");

it("answers every command of the page as the page shows, and leaves without a trace", async () => {
  const exchanges = transcript();
  expect(exchanges.map(({ command }) => command.split(" ")[0])).toEqual(
    expect.arrayContaining(["nodes", "services", "call", "dcall", "bench", "quit"]),
  );
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ["core/main.ts", "--repl"], {
    cwd: new URL("../..", import.meta.url).pathname,
    env: {
      ...{ PATH, HOME, NATS_URL: servers.nats, MONGO_URL: servers.mongo, KAFKA_BROKERS: servers.kafka },
      ...{ COMPTOIR_NAMESPACE: cluster.namespace, COMPTOIR_NODE_ID: "operator", COMPTOIR_LOG_LEVEL: "error" },
    },
  });
  endWithThisProcess(child);
  repl = child;
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", chunk => (said += String(chunk)));
  const seen = async (what: (lines: string[]) => boolean, from: number): Promise<void> => {
    const end = Date.now() + ANSWER_MS;
    while (!what(said.slice(from).split("\n").map(masked))) {
      if (Date.now() > end) throw new Error(`Not as the page shows it:\n${said.slice(from)}`);
      await pause(25);
    }
  };
  await seen(lines => lines.includes(masked(PROMPT)), 0);
  for (const { command, output } of exchanges) {
    const from = said.length;
    // A node that has just joined learns of the others within a heartbeat.
    const ask = () => child.stdin.write(`${command}\n`);
    ask();
    const asked = Date.now();
    await seen(lines => {
      const isRight = output.map(masked).every(line => lines.some(actual => actual.includes(line)));
      if (!isRight && command === "nodes" && Date.now() - asked > 3_000) ask();
      return isRight;
    }, from);
  }
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(0);
}, 180_000);
