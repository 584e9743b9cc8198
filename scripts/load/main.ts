// npm run load -- checkout: load on a running shop, by k6 and the scripts in load/.
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { ConfigError, loadLoadConfig, type LoadConfig } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { ShopError } from "../import/client.ts";
import { administratorOf, connect, INTERRUPTED, shopUrl } from "../support/administrator.ts";
import { findK6, startK6 } from "./k6.ts";
import { FOLDER, listed, scenarios } from "./scenarios.ts";

interface Options {
  readonly url?: string;
  readonly rate?: string;
  readonly duration?: string;
  readonly skus?: string;
  readonly stock?: string;
  readonly allowRemote?: true;
}

/** k6's own, for thresholds that were crossed. */
const CROSSED = 99;
/** npm hands on the Ctrl-C that the terminal has sent already: two within this time are one. */
const SAME_MS = 1_000;

const say = (line: string): void => void process.stderr.write(`load: ${line}\n`);

function positive(text: string): string {
  if (!(Number(text) > 0 && Number.isFinite(Number(text))))
    throw new InvalidArgumentError("It must be a number above 0.");
  return text;
}

function whole(text: string): string {
  if (!(Number(text) >= 1 && Number.isSafeInteger(Number(text))))
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return text;
}

function length(text: string): string {
  const [, count = "0", unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text) ?? [];
  if (unit === "s" ? Number(count) < 1 : Number(count) <= 0)
    throw new InvalidArgumentError("It must be such as 90s, 10m or 2h, and a second at least.");
  return text;
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

function scriptOf(name: string): string {
  const known = scenarios();
  if (known.some(each => each.name === name)) return join(FOLDER, `${name}.ts`);
  throw new StartupError(`there is no scenario "${name}". Known are:\n${listed(known)}`);
}

/** Says in one sentence what is wrong before k6 says it in many. */
async function requireShop(config: LoadConfig, url: string): Promise<void> {
  const { signal } = new AbortController();
  const shop = await connect(config, { url, connections: 1, signal });
  await shop.close();
}

/** What load/lib/settings.ts reads. */
function environmentOf(config: LoadConfig, url: string, options: Options): Record<string, string> {
  const { email, password } = administratorOf(config);
  const given = {
    LOAD_RATE: options.rate,
    LOAD_DURATION: options.duration,
    LOAD_SKUS: options.skus,
    LOAD_STOCK: options.stock,
    K6_PROMETHEUS_RW_SERVER_URL: config.remoteWrite ?? undefined,
  };
  const set = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const run = `load${Date.now().toString(36)}`;
  return {
    // A page of percentiles that Prometheus can show, instead of p99 alone.
    K6_PROMETHEUS_RW_TREND_STATS: "p(50),p(90),p(99),max",
    ...config.passed,
    ...{ LOAD_URL: url, LOAD_EMAIL: email, LOAD_PASSWORD: password, LOAD_RUN: run },
    ...Object.fromEntries(set),
  };
}

async function load(name: string, options: Options): Promise<number> {
  const script = scriptOf(name);
  const config = loadLoadConfig();
  const url = options.url ?? config.url;
  if (!isLoopback(url) && options.allowRemote !== true)
    throw new StartupError(`${url} is not this machine: a load test may take a shop down. --allow-remote means it`);
  await requireShop(config, url);
  const command = await findK6(say);
  const env = environmentOf(config, url, options);
  const isQuiet = !process.stdout.isTTY;
  const running = startK6(command, { script, env, isPushed: config.remoteWrite !== null, isQuiet });
  const interrupts: number[] = [];
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const last = interrupts.at(-1);
      if (last !== undefined && Date.now() - last < SAME_MS) return;
      interrupts.push(Date.now());
      running.interrupt();
    });
  }
  const { code, summary } = await running.ended;
  const lost = summary?.orders?.lost ?? 0;
  if (lost > 0) say(`${String(lost)} accepted orders are not in the shop`);
  if (interrupts.length > 0) return INTERRUPTED;
  return code === 0 && lost > 0 ? CROSSED : code;
}

async function run(name: string, options: Options): Promise<void> {
  try {
    process.exitCode = await load(name, options);
  } catch (error) {
    if (!(error instanceof ShopError || error instanceof StartupError || error instanceof ConfigError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

await new Command("load")
  .description("Load on a running shop, by k6 and the scripts in load/. docs/operations/load.md says how to read it.")
  .argument("<scenario>", "one of those below")
  .option("--url <url>", "where the shop is (default: COMPTOIR_PORT on this host)", shopUrl)
  .option("--rate <n>", "arrivals per second", positive)
  .option("--duration <time>", "such as 90s, 10m or 2h", length)
  .option("--skus <n>", "SKUs that orders are spread over", whole)
  .option("--stock <n>", "pieces of a flash sale", whole)
  .option("--allow-remote", "also at a shop that is not on this machine")
  .addHelpText("after", `\nScenarios:\n${listed(scenarios())}`)
  .action(run)
  .parseAsync();
