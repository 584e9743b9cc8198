// npm run servers: NATS, MongoDB and Kafka for development, in the foreground, until Ctrl-C.
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort, isFree } from "../support/free-port.ts";
import type { Server } from "../support/server-process.ts";
import { startKafka, startMongo, startNats, type ServerOptions } from "../support/servers.ts";

const { values } = parseArgs({ options: { data: { type: "string", default: join(".data", "servers") } } });

/** The port that clients expect; another one when that is taken. */
const portOf = async (usual: number): Promise<number> => ((await isFree(usual)) ? usual : freePort());

const started: Server[] = [];

async function start(name: string, port: number, begin: (options: ServerOptions) => Promise<Server>): Promise<Server> {
  const server = await begin({ port: await portOf(port), folder: join(values.data, name) });
  server.process.ref();
  started.push(server);
  return server;
}

async function stop(code: number): Promise<never> {
  await Promise.all(started.map(server => server.stop()));
  process.exit(code);
}

function fail(error: unknown): Promise<never> {
  process.stderr.write(`comptoir: ${error instanceof Error ? error.message : String(error)}\n`);
  return stop(1);
}

async function main(): Promise<void> {
  const [nats, mongo, kafka] = await Promise.all([
    start("nats", 4222, startNats),
    start("mongo", 27017, startMongo),
    start("kafka", 9092, startKafka),
  ]);
  const lines = [`NATS_URL=${nats.url}`, `MONGO_URL=${mongo.url}`, `KAFKA_BROKERS=${kafka.url}`];
  process.stdout.write(`${lines.map(line => `export ${line}`).join("\n")}\n`);
  const ends = started.map(async server => {
    await once(server.process, "exit");
    throw new Error(`${server.url} ended by itself: see the logs in ${values.data}`);
  });
  await Promise.race(ends);
}

let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    isStopping = true;
    void stop(0);
  });
}
await main().catch((error: unknown) => (isStopping ? undefined : fail(error)));
