// npm run bench:cluster: orders through clusters of one, two and three processes of every service on real servers, what
// each process costs per order, and calls over NATS beside bare request/reply.
import { readFileSync } from "node:fs";
import Table from "cli-table3";
import { Command, Option } from "commander";
import { knownServices } from "../../core/node.ts";
import { replicasOf, startCluster, type Cluster } from "../support/cluster.ts";
import { requireServers, type ServerAddresses } from "../support/servers.ts";
import { load, settle, stockUp, type Measured } from "./order-load.ts";
import { measureRpc } from "./rpc.ts";

interface Options {
  readonly seconds: number;
  readonly clients: number;
  readonly skus: number;
  readonly replicas: string;
  readonly rounds: number;
  readonly minRatio: number;
  readonly nats?: string;
  readonly mongo?: string;
  readonly kafka?: string;
}

const options = new Command("bench:cluster")
  .description("Orders/s and calls/s for several numbers of replicas, and the CPU of an order by process")
  .option("--seconds <n>", "length of each run of orders", Number, 20)
  .option("--clients <n>", "concurrent clients", Number, 16)
  .option("--skus <n>", "SKUs", Number, 200)
  .option("--replicas <list>", "numbers of replicas, comma separated", "1,2,3")
  .option("--rounds <n>", "rounds of the comparison of calls", Number, 5)
  .option("--min-ratio <n>", "exit 1 when Moleculer's calls/s fall below this part of bare NATS", Number, 0.9)
  .addOption(new Option("--nats <url>", "a server that runs").env("NATS_URL"))
  .addOption(new Option("--mongo <url>", "a server that runs").env("MONGO_URL"))
  .addOption(new Option("--kafka <brokers>", "brokers that run").env("KAFKA_BROKERS"))
  .parse()
  .opts<Options>();

const TICKS_PER_SECOND = 100;

/** CPU seconds of a process so far: fields 14 and 15 of proc(5)'s stat, counted after the name, which may hold spaces. */
function cpuOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const cpuByProcess = ({ nodes }: Cluster): Map<string, number> =>
  new Map(nodes.map(({ name, process }) => [name, cpuOf(process.pid)]));

interface OrdersMeasured extends Measured {
  /** Milliseconds of CPU per order, by process. */
  readonly cpu: ReadonlyMap<string, number>;
}

async function measureOrders(servers: ServerAddresses, replicas: number): Promise<OrdersMeasured> {
  const counts = Object.fromEntries(knownServices().map(name => [name, replicas]));
  // As many as a shop has: more than bridges.
  const cluster = await startCluster({ servers, nodes: replicasOf(counts), env: { KAFKA_PARTITIONS: "6" } });
  try {
    const urls = cluster.gateways();
    const target = { url: urls[0] ?? "", urls, token: await cluster.adminToken() };
    const skus = Array.from({ length: options.skus }, (_, index) => `SKU-${String(index)}`);
    await stockUp(target, skus);
    const before = cpuByProcess(cluster);
    const loaded = await load(target, { name: `x${String(replicas)}`, skus }, options);
    const settledMs = await settle(target);
    const after = cpuByProcess(cluster);
    const spent = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const);
    const cpu = new Map(spent.map(([name, seconds]) => [name, (seconds * 1000) / loaded.orders]));
    return { ...loaded, settledMs, cpu };
  } finally {
    await cluster.stop();
  }
}

function printOrders(results: readonly OrdersMeasured[]): void {
  const table = new Table({
    head: ["replicas", "orders", "orders/s", "p50 ms", "p99 ms", "not confirmed", "settled ms"],
  });
  for (const m of results)
    table.push([m.name, m.orders, m.perSecond.toFixed(1), m.p50, m.p99, m.notConfirmed, m.settledMs.toFixed(0)]);
  console.log(table.toString());
  for (const { name, cpu } of results) {
    const parts = [...cpu].map(([process, ms]) => `${process} ${ms.toFixed(1)}`);
    console.log(`${name}: CPU ms per order: ${parts.join(" · ")}`);
  }
}

const given = { NATS_URL: options.nats, MONGO_URL: options.mongo, KAFKA_BROKERS: options.kafka };
const servers = await requireServers(given, { inMemory: false });
try {
  const replicas = options.replicas.split(",").map(Number);
  const orders = [];
  for (const count of replicas) orders.push(await measureOrders(servers, count));
  printOrders(orders);
  const calls = new Table({ head: ["workers", "Moleculer calls/s", "bare NATS calls/s", "ratio"] });
  let lowest = Infinity;
  for (const workers of replicas) {
    const rpc = await measureRpc({ natsUrl: servers.nats, workers, rounds: options.rounds, seconds: 2 });
    const ratio = rpc.moleculer / rpc.raw;
    lowest = Math.min(lowest, ratio);
    calls.push([workers, rpc.moleculer.toFixed(0), rpc.raw.toFixed(0), ratio.toFixed(2)]);
  }
  console.log(calls.toString());
  const unconfirmed = orders.some(({ notConfirmed }) => notConfirmed > 0);
  process.exitCode = unconfirmed || lowest < options.minRatio ? 1 : 0;
} finally {
  await servers.stop();
}
