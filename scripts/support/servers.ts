// The servers that a cluster needs, as children of this process. Installed on first use.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { kafkaProperties } from "./kafka-properties.ts";
import { Server, type Launch } from "./server-process.ts";
import { Toxiproxy } from "./toxiproxy.ts";

const run = promisify(execFile);
const installation = join(import.meta.dirname, "..", "servers");
const HOST = "127.0.0.1";

export interface ServerOptions {
  /** A free one when left out. */
  readonly port?: number;
  /** Of its data and log; a new temporary folder when left out. */
  readonly folder?: string;
}

/** @returns the path of its program, or its class path. @throws with what is missing and what to do instead */
export async function install(name: "nats" | "toxiproxy" | "mongo" | "kafka" | "k6"): Promise<string> {
  try {
    return (await run(join(installation, "install.sh"), [name])).stdout.trim();
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(said === "" ? `${name} was not installed` : said, { cause: error });
  }
}

async function placeOf({ port, folder }: ServerOptions): Promise<Pick<Launch, "port" | "folder" | "isTemporary">> {
  return {
    port: port ?? (await freePort()),
    folder: folder ?? mkdtempSync(join(tmpdir(), "comptoir-server-")),
    isTemporary: folder === undefined,
  };
}

export async function startNats(options: ServerOptions = {}): Promise<Server> {
  const command = await install("nats");
  const place = await placeOf(options);
  const { port } = place;
  return Server.start({
    ...{ name: "nats", command, ...place, url: `nats://${HOST}:${String(port)}` },
    args: ["--addr", HOST, "--port", String(port)],
    ready: /Server is ready/,
  });
}

/** MongoDB-compatible: no transactions, no partial indexes, and every query scans its collection. */
export async function startMongo(options: ServerOptions = {}): Promise<Server> {
  const classes = await install("mongo");
  const place = await placeOf(options);
  const { port, folder } = place;
  const settings = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-cp", classes];
  return Server.start({
    ...{ name: "mongo", command: "java", ...place, url: `mongodb://${HOST}:${String(port)}` },
    args: [...settings, "MongoServerMain", HOST, String(port), join(folder, "mongo.db")],
    ready: /^listening/m,
  });
}

export interface KafkaOptions extends ServerOptions {
  /** HOST:PORT that clients are told to use: that of a proxy before the broker. Its own address when left out. */
  readonly advertised?: string;
}

/** One broker that is its own controller. Topics are made by who needs them, never by being named. */
export async function startKafka(options: KafkaOptions = {}): Promise<Server> {
  const classes = await install("kafka");
  const place = await placeOf(options);
  const { port, folder } = place;
  const data = join(folder, "data");
  const properties = join(folder, "server.properties");
  const advertised = options.advertised ?? `${HOST}:${String(port)}`;
  mkdirSync(folder, { recursive: true });
  const inside = { internal: await freePort(), controller: await freePort() };
  writeFileSync(properties, kafkaProperties({ host: HOST, port, ...inside, advertised, data }));
  const logging = `-Dlog4j2.configurationFile=${join(installation, "kafka", "log4j2.properties")}`;
  const heap = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"];
  const java = [...heap, logging, "-cp", classes];
  if (!existsSync(join(data, "meta.properties"))) {
    await run("java", [...java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties]);
  }
  return Server.start({
    ...{ name: "kafka", command: "java", ...place, url: advertised },
    args: [...java, "kafka.Kafka", properties],
    ready: /Kafka Server started/,
  });
}

/** Any 16 bytes in base64. */
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

/** Proxies between clients and servers, to break the network. */
export async function startToxiproxy(options: ServerOptions = {}): Promise<Toxiproxy> {
  const command = await install("toxiproxy");
  const place = await placeOf(options);
  const { port } = place;
  const server = await Server.start({
    ...{ name: "toxiproxy", command, ...place, url: `http://${HOST}:${String(port)}` },
    args: ["-host", HOST, "-port", String(port)],
    ready: /Starting (Toxiproxy )?HTTP server/,
  });
  return new Toxiproxy(server);
}

export interface ServerAddresses {
  readonly nats: string;
  readonly mongo: string;
  /** HOST:PORT, comma separated. */
  readonly kafka: string;
}

export interface Servers extends ServerAddresses {
  /** Ends those that were started here. */
  stop(): Promise<void>;
}

/**
 * Servers for a test file, to be asked for once in it.
 * @param environment NATS_URL, MONGO_URL and KAFKA_BROKERS name servers that run; the others are started.
 */
export async function requireServers(environment: Readonly<Record<string, string | undefined>>): Promise<Servers> {
  const started: Server[] = [];
  const address = async (name: string, start: () => Promise<Server>): Promise<string> => {
    const given = environment[name];
    if (given !== undefined && given !== "") return given;
    const server = await start();
    started.push(server);
    return server.url;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map(server => server.stop()));
  };
  try {
    const [nats, mongo, kafka] = await Promise.all([
      address("NATS_URL", startNats),
      address("MONGO_URL", startMongo),
      address("KAFKA_BROKERS", startKafka),
    ]);
    return { nats, mongo, kafka, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
