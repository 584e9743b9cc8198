// The process: checks what it needs, starts a node, and ends it in order.
import { credentialsFile, resolveAdmin, type ResolvedConfig } from "./admin-credentials.ts";
import { ConfigError, loadConfig, type Config } from "./config.ts";
import { createEnvironment } from "./create-environment.ts";
import { holdDataFolder } from "./data-folder.ts";
import { knownServices, startNode, type RunningNode } from "./node.ts";
import { Readiness, startOps } from "./ops.ts";
import { checkPort, listenProblem } from "./ports.ts";
import { startRepl } from "./repl.ts";
import { StartupError } from "./startup-error.ts";

/** Below the 5 s that an operator waits for Ctrl-C. */
const STOP_DEADLINE_MS = 4_500;
/** npm hands on the Ctrl-C that the terminal has already sent: the same key press, twice. */
const SAME_PRESS_MS = 100;

function fail(error: unknown): never {
  const problems = error instanceof ConfigError ? error.problems : [listenProblem(error) ?? describe(error)];
  for (const problem of problems) process.stderr.write(`comptoir: ${inOneLine(problem)}\n`);
  process.exit(1);
}

const inOneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " | ");

/** What nobody foresaw keeps its stack. */
function describe(error: unknown): string {
  if (error instanceof StartupError) return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `ends after an unexpected error: ${text}`;
}

async function preflight(config: Config): Promise<void> {
  if (config.mode === "cluster") {
    throw new StartupError("cluster mode is not in this release: unset NATS_URL, MONGO_URL and KAFKA_BROKERS");
  }
  await checkPort(config.http.host, config.http.port, "COMPTOIR_PORT");
}

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${String(port)}`;

/** In one write: whoever waits for the first line has the others too. */
function announce(config: ResolvedConfig, node: RunningNode, opsPort: number, made: boolean, kept: boolean): void {
  const { http, admin, data } = config;
  const url = node.port === null ? null : urlOf(http.host, node.port);
  const password = `  admin     ${admin.email}, password ${admin.password} (kept in ${credentialsFile(data)})`;
  const login = kept ? `@${credentialsFile(data)}` : `'{"email":"${admin.email}","password":"…"}'`;
  const where = [
    url === null ? "ready (without a gateway)" : `ready ${url}`,
    `  services  ${config.services.join(", ")}`,
    `  data      ${data}`,
    `  ops       ${urlOf(http.host, opsPort)}/metrics /live /ready`,
    ...(made ? [password] : []),
  ];
  const next =
    url === null
      ? []
      : [
          `  docs      ${url}/docs`,
          `  token     curl -s ${url}/v1/auth/login -H 'content-type: application/json' -d ${login}`,
          `  try       curl -s ${url}/v1/products   or   npm run import -- data/online-retail-10k.csv`,
        ];
  process.stdout.write(`${[...where, ...next].join("\n")}\n`);
}

function stopOnSignal(stop: () => Promise<void>): void {
  let first: number | undefined;
  const onSignal = (): void => {
    if (first !== undefined) {
      if (Date.now() - first > SAME_PRESS_MS) process.exit(130);
      return;
    }
    first = Date.now();
    stop().catch(fail);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

async function main(): Promise<void> {
  // The databases hold signing keys and what customers told: nobody else on this machine reads them.
  process.umask(0o077);
  const loaded = loadConfig(knownServices());
  await preflight(loaded);
  const lock = holdDataFolder(loaded.data);
  const { config, made } = resolveAdmin(loaded);
  const readiness = new Readiness();
  readiness.block("starting");
  const ops = await startOps(config.http.host, config.opsPort, readiness);
  const running: { node?: RunningNode } = {};
  const stop = async (): Promise<void> => {
    readiness.block("stopping");
    setTimeout(() => process.exit(0), STOP_DEADLINE_MS);
    await running.node?.stop();
    ops.close();
    lock.release();
    process.exit(0);
  };
  stopOnSignal(stop);
  const node = await startNode(createEnvironment(config, error => fail(new StartupError(error.message))));
  running.node = node;
  readiness.clear("starting");
  announce(config, node, ops.port, made, loaded.admin.password === null);
  if (process.argv.includes("--repl")) await startRepl(node.broker, stop);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
await main().catch(fail);
