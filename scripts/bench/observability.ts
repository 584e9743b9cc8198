// npm run bench:observability: what watching costs. The same shop bare and with metrics, logs and traces, in turns within
// one run, on the gateway's hottest read and on orders; ratios to the bare shop of the same round, because machines differ.
import { createServer } from "node:http";
import { rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import autocannon from "autocannon";
import Table from "cli-table3";
import { Command } from "commander";
import { startShop } from "../support/shop.ts";
import { median } from "./median.ts";
import { load, stockUp, type Target } from "./order-load.ts";

const options = new Command("bench:observability")
  .description("Throughput of the gateway's hot GET and of orders with and without metrics, logs and traces")
  .option("--seconds <n>", "length of each measurement", Number, 6)
  .option("--rounds <n>", "rounds; each measures every variant once", Number, 3)
  .option("--clients <n>", "concurrent clients", Number, 16)
  .option("--no-check", "only show: do not exit 1 when watching costs more than it may")
  .parse()
  .opts<{ seconds: number; rounds: number; clients: number; check: boolean }>();

interface Variant {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Of the bare shop's rate, at least. */
  readonly least: number;
  /** Of the bare shop's p99, at most. */
  readonly p99?: number;
}

/** Takes spans and forgets them: what is measured is the shop, not what stores its traces. */
async function startSink(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const silent = { COMPTOIR_METRICS: "off", COMPTOIR_LOG_LEVEL: "fatal" };
const variantsWith = (otlp: string): readonly Variant[] => [
  { name: "bare", env: silent, least: 1 },
  { name: "metrics", env: { ...silent, COMPTOIR_METRICS: "on" }, least: 0.88 },
  { name: "logs", env: { ...silent, COMPTOIR_LOG_LEVEL: "info" }, least: 0.88 },
  {
    name: "every trace",
    env: {
      ...silent,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      OTEL_TRACES_SAMPLER_ARG: "1",
    },
    least: 0,
    p99: 2,
  },
  { name: "as it comes", env: { OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: otlp }, least: 0.75 },
];

const SKUS = Array.from({ length: 50 }, (_, index) => `SKU-${String(index)}`);
const WARM_UP_S = 2;

interface Seen {
  readonly rate: number;
  readonly p99: number;
}
interface Measured {
  readonly reads: Seen;
  readonly orders: Seen;
}

async function reads({ url }: Target, seconds: number): Promise<Seen> {
  const result = await autocannon({
    url: `${url}/v1/products/${SKUS[0] ?? ""}`,
    connections: options.clients,
    duration: seconds,
  });
  if (result.non2xx + result.errors > 0) throw new Error(`${String(result.non2xx + result.errors)} reads failed`);
  return { rate: result.requests.total / result.duration, p99: result.latency.p99 };
}

async function orders(target: Target, name: string, seconds: number): Promise<Seen> {
  const { perSecond, p99, notConfirmed } = await load(target, { name, skus: SKUS }, { ...options, seconds });
  if (notConfirmed > 0) throw new Error(`${String(notConfirmed)} orders were not confirmed`);
  return { rate: perSecond, p99 };
}

async function measure({ env }: Variant): Promise<Measured> {
  const shop = await startShop({ env });
  try {
    const target = { url: shop.url, token: await shop.adminToken() };
    await stockUp(target, SKUS);
    await orders(target, "warm-up", WARM_UP_S);
    const placed = await orders(target, "measured", options.seconds);
    await reads(target, WARM_UP_S);
    return { orders: placed, reads: await reads(target, options.seconds) };
  } finally {
    await shop.kill();
    rmSync(shop.data, { recursive: true, force: true });
  }
}

const sink = await startSink();
const variants = variantsWith(sink.url);
const rounds: Map<string, Measured>[] = [];
try {
  for (let round = 0; round < options.rounds; round += 1) {
    const seen = new Map<string, Measured>();
    // Each begins at another one: what gets slower or faster on the way meets all of them.
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(round + turn) % variants.length];
      if (variant !== undefined) seen.set(variant.name, await measure(variant));
    }
    rounds.push(seen);
  }
} finally {
  sink.stop();
}

const over = (name: string, value: (measured: Measured) => number): number =>
  median(
    rounds.map(seen => {
      const [own, bare] = [seen.get(name), seen.get("bare")];
      return own === undefined || bare === undefined ? NaN : value(own) / value(bare);
    }),
  );

const table = new Table({
  head: ["variant", "reads/s", "orders/s", "reads ×", "orders ×", "p99 reads ×", "p99 orders ×", "within"],
});
let isWithin = true;
for (const { name, least, p99 = Infinity } of variants) {
  const rates = [over(name, ({ reads: seen }) => seen.rate), over(name, ({ orders: seen }) => seen.rate)];
  const tails = [over(name, ({ reads: seen }) => seen.p99), over(name, ({ orders: seen }) => seen.p99)];
  const holds = Math.min(...rates) >= least && Math.max(...tails) <= p99;
  isWithin &&= holds;
  const medians = [
    median(rounds.map(seen => seen.get(name)?.reads.rate ?? NaN)).toFixed(0),
    median(rounds.map(seen => seen.get(name)?.orders.rate ?? NaN)).toFixed(0),
  ];
  table.push([name, ...medians, ...[...rates, ...tails].map(ratio => ratio.toFixed(2)), holds ? "yes" : "NO"]);
}
console.log(table.toString());
process.exitCode = options.check && !isWithin ? 1 : 0;
