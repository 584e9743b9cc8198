// Calls per second over NATS: Moleculer as we configure it, and bare request/reply, in turns against the same workers.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { connect } from "nats";
import { loadConfig } from "../../core/config.ts";
import { natsOptions } from "../../core/nats.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { median } from "./median.ts";
import { payload, rawSubject } from "./rpc-echo.ts";

export interface RpcMeasured {
  readonly workers: number;
  /** Medians over the rounds, calls/s. */
  readonly moleculer: number;
  readonly raw: number;
}

interface RpcOptions {
  readonly natsUrl: string;
  readonly workers: number;
  readonly rounds: number;
  readonly seconds: number;
}

const IN_FLIGHT = 64;

const environmentOf = (natsUrl: string, nodeId: string) => ({
  NATS_URL: natsUrl,
  // Required together; nothing here connects to these two.
  MONGO_URL: "mongodb://127.0.0.1:1",
  KAFKA_BROKERS: "127.0.0.1:1",
  COMPTOIR_NAMESPACE: "bench",
  COMPTOIR_NODE_ID: nodeId,
  COMPTOIR_LOG_LEVEL: "error",
});

async function startWorker(natsUrl: string, index: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "rpc-worker.ts")], {
    env: environmentOf(natsUrl, `bench-worker-${String(index)}`),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

/** Before NATS ends: they would complain. */
async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, "exit");
  worker.kill("SIGTERM");
  await exit;
}

/** Calls per second with IN_FLIGHT of them at any time. */
async function rate(seconds: number, call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let calls = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (calls * 1000) / (performance.now() - start);
}

async function inTurns(broker: ServiceBroker, options: RpcOptions): Promise<Omit<RpcMeasured, "workers">> {
  const config = loadConfig([], environmentOf(options.natsUrl, "bench-raw"));
  if (config.cluster === null) throw new Error("The benchmark has no NATS");
  const connection = await connect(natsOptions(config.cluster.nats));
  const meta = { principal: { kind: "service", id: "bench" } };
  // By default the client takes a stack trace for each request, which Moleculer does not: without it both do the same work.
  const request = { timeout: 5_000, noAsyncTraces: true };
  const ways = {
    moleculer: () => broker.call("v1.bench.echo", payload, { meta }),
    raw: async () => (await connection.request(rawSubject, JSON.stringify(payload), request)).json<unknown>(),
  };
  const seen = { moleculer: [] as number[], raw: [] as number[] };
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const way of ["raw", "moleculer"] as const) {
      const measured = await rate(options.seconds, ways[way]);
      // The first round warms up.
      if (round > 0) seen[way].push(measured);
    }
  }
  await connection.close();
  return { moleculer: median(seen.moleculer), raw: median(seen.raw) };
}

export async function measureRpc(options: RpcOptions): Promise<RpcMeasured> {
  const workers = await Promise.all(
    Array.from({ length: options.workers }, (_, index) => startWorker(options.natsUrl, index)),
  );
  const broker = new ServiceBroker(brokerOptions(loadConfig([], environmentOf(options.natsUrl, "bench-caller"))));
  try {
    await broker.start();
    await broker.waitForServices({ name: "bench", version: 1 }, 10_000);
    return { workers: options.workers, ...(await inTurns(broker, options)) };
  } finally {
    await broker.stop();
    await Promise.all(workers.map(ended));
  }
}
