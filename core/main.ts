// The process: checks what it needs, starts a node, and ends it in order.
import { flushCompileCache } from "node:module";
import { credentialsFile, resolveAdmin } from "./admin-credentials.ts";
import { ConfigError, loadConfig, type Config } from "./config.ts";
import { createEnvironment } from "./create-environment.ts";
import { holdDataFolder, prepareDataFolder, requireRestored } from "./data-folder.ts";
import { stopTimesOf } from "./deadlines.ts";
import { discoveryPage, reachableAt } from "./discovery.ts";
import { processLogger } from "./log.ts";
import { knownServices, startNode, type RunningNode } from "./node.ts";
import { Readiness, startOps, type OpsPages } from "./ops.ts";
import { checkPort, listenProblem } from "./ports.ts";
import { joinWithRepl, startRepl } from "./repl.ts";
import { requireRestoredCluster } from "./restored.ts";
import { waitForServers } from "./servers.ts";
import { StartupError } from "./startup-error.ts";
import { startTracing, type Tracing } from "./tracing/start.ts";

/** A receiver of traces that does not answer holds up no stop. */
const LAST_SPANS_MS = 1_000;

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

/** What a node holds while it runs. */
interface Prepared {
  readonly config: Config;
  /** The administrator's password was made just now. */
  readonly made: boolean;
  readonly release: () => void;
}

/** In a cluster the databases are elsewhere; only account's nodes may have to keep the administrator's password. */
function prepare(loaded: Config): Prepared {
  if (loaded.mode === "embedded") {
    const lock = holdDataFolder(loaded.data);
    requireRestored(loaded.data);
    return { ...resolveAdmin(loaded), release: lock.release };
  }
  const release = (): void => undefined;
  if (loaded.admin.password !== null || !loaded.services.includes("account"))
    return { config: loaded, made: false, release };
  prepareDataFolder(loaded.data);
  return { ...resolveAdmin(loaded), release };
}

async function waitForCluster(config: Config): Promise<void> {
  if (config.cluster === null) return;
  const { clusterServers } = await import("./cluster-servers.ts");
  const { nameCheck } = await import("./node-name.ts");
  const logger = processLogger(config);
  const say = (line: string): void => {
    logger.warn(line);
  };
  const options = { timeoutMs: config.cluster.startupTimeoutMs, setting: "COMPTOIR_STARTUP_TIMEOUT", say };
  await waitForServers(clusterServers(config), options);
  await requireRestoredCluster(config, say);
  await waitForServers(nameCheck(config), options);
}

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${String(port)}`;

/** In one write: whoever waits for the first line has the others too. */
function announce({ config, made }: Prepared, node: RunningNode, opsPort: number, kept: boolean): void {
  const { http, admin, data, cluster } = config;
  const url = node.port === null ? null : urlOf(http.host, node.port);
  const password = `  admin     ${admin.email}, password ${admin.password ?? ""} (kept in ${credentialsFile(data)})`;
  const login = kept ? `@${credentialsFile(data)}` : `'{"email":"${admin.email}","password":"…"}'`;
  const where = [
    url === null ? "ready (without a gateway)" : `ready ${url}`,
    `  services  ${config.services.join(", ")}`,
    cluster === null ? `  data      ${data}` : `  node      ${cluster.nodeId} in ${config.namespace}`,
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

/**
 * Whatever still runs: it goes on after the restart. One process with everything cuts off what is slow, for whoever pressed
 * Ctrl-C; a node of a cluster has the time for all that it may be doing.
 */
function endInTime(config: Config): void {
  const { deadlineMs } = stopTimesOf(config);
  const late = new StartupError(`not everything had ended after ${String(deadlineMs / 1000)} s`);
  setTimeout(() => (config.mode === "cluster" ? fail(late) : process.exit(0)), deadlineMs);
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
  const wantsRepl = process.argv.includes("--repl");
  if (wantsRepl && loaded.mode === "cluster") {
    const operator = { ...loaded, services: [] };
    await waitForCluster(operator);
    stopOnSignal(await joinWithRepl(operator));
    return;
  }
  if (loaded.services.includes("gateway")) await checkPort(loaded.http.host, loaded.http.port, "COMPTOIR_PORT");
  const prepared = prepare(loaded);
  const { config } = prepared;
  const readiness = new Readiness();
  readiness.block("starting");
  const pages: OpsPages = {};
  const ops = await startOps(config.http.host, config.opsPort, readiness, pages);
  const running: { node?: RunningNode; tracing?: Tracing } = {};
  const stop = async (): Promise<void> => {
    readiness.block("stopping");
    endInTime(config);
    await running.node?.stop();
    await running.tracing?.stop(LAST_SPANS_MS);
    ops.close();
    prepared.release();
    process.exit(0);
  };
  stopOnSignal(stop);
  await waitForCluster(config);
  const environment = await createEnvironment(config, error => fail(new StartupError(error.message)));
  readiness.follow(environment.health);
  running.tracing = await startTracing(config, processLogger(config));
  const node = await startNode(environment, reachableAt(config.http.host, ops.port));
  running.node = node;
  pages.targets = () => discoveryPage(node.broker, config.services);
  readiness.clear("starting");
  announce(prepared, node, ops.port, loaded.admin.password === null && config.admin.password !== null);
  if (wantsRepl) await startRepl(node.broker, stop);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
await main().catch(fail);
// Where NODE_COMPILE_CACHE names a folder, the next start finds there what this one compiled, however this one ends.
flushCompileCache();
