// The servers that a cluster needs, as children of this process. Installed on first use.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { kafkaProperties, type KafkaSecurity } from "./kafka-properties.ts";
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

type ServerName =
  "nats" | "toxiproxy" | "mongo" | "kafka" | "k6" | "zipkin" | "prometheus" | "alertmanager" | "node-exporter";

/** @returns the path of its program, or its class path. @throws with what is missing and what to do instead */
export async function install(name: ServerName): Promise<string> {
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

export interface NatsOptions extends ServerOptions {
  /** Its configuration file's text: users, TLS, the other servers of its cluster. */
  readonly configuration?: string;
}

export async function startNats({ configuration = "", ...options }: NatsOptions = {}): Promise<Server> {
  const command = await install("nats");
  const place = await placeOf(options);
  const { port, folder } = place;
  const file = join(folder, "nats.conf");
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, configuration);
  return Server.start({
    ...{ name: "nats", command, ...place, url: `nats://${HOST}:${String(port)}` },
    args: ["--config", file, "--addr", HOST, "--port", String(port)],
    ready: /Server is ready/,
  });
}

export interface MongoOptions extends ServerOptions {
  /** Nothing survives its end: for who neither ends it nor kills it. A quarter of its time is its file's. */
  readonly inMemory?: boolean;
}

/** MongoDB-compatible: no transactions and no partial indexes. */
export async function startMongo({ inMemory = false, ...options }: MongoOptions = {}): Promise<Server> {
  const classes = await install("mongo");
  const place = await placeOf(options);
  const { port, folder } = place;
  // Netty's checks of each byte that it writes are a sixth of this server's time.
  const unchecked = ["-Dio.netty.buffer.checkAccessible=false", "-Dio.netty.buffer.checkBounds=false"];
  const settings = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", ...unchecked, "-cp", classes];
  return Server.start({
    ...{ name: "mongo", command: "java", ...place, url: `mongodb://${HOST}:${String(port)}` },
    args: [...settings, "MongoServerMain", HOST, String(port), ...(inMemory ? [] : [join(folder, "mongo.db")])],
    ready: /^listening/m,
  });
}

export interface KafkaOptions extends ServerOptions {
  /** HOST:PORT that clients are told to use: that of a proxy before the broker. Its own address when left out. */
  readonly advertised?: string;
  readonly security?: KafkaSecurity;
}

/** One broker that is its own controller. Topics are made by who needs them, never by being named. */
export async function startKafka(options: KafkaOptions = {}): Promise<Server> {
  const classes = await install("kafka");
  const place = await placeOf(options);
  const { port, folder } = place;
  const { security } = options;
  const data = join(folder, "data");
  const properties = join(folder, "server.properties");
  const advertised = options.advertised ?? `${HOST}:${String(port)}`;
  mkdirSync(folder, { recursive: true });
  const inside = { internal: await freePort(), controller: await freePort() };
  writeFileSync(properties, kafkaProperties({ host: HOST, port, ...inside, advertised, data, security }));
  const logging = `-Dlog4j2.configurationFile=${join(installation, "kafka", "log4j2.properties")}`;
  const heap = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"];
  const java = [...heap, logging, "-cp", classes];
  if (!existsSync(join(data, "meta.properties"))) {
    const format = ["format", "-t", CLUSTER_ID, "-c", properties, ...scramOf(security)];
    await run("java", [...java, "kafka.tools.StorageTool", ...format]);
  }
  return Server.start({
    ...{ name: "kafka", command: "java", ...place, url: advertised },
    args: [...java, "kafka.Kafka", properties],
    ready: /Kafka Server started/,
  });
}

const scramOf = (security?: KafkaSecurity): string[] =>
  security === undefined
    ? []
    : ["--add-scram", `SCRAM-SHA-512=[name="${security.user}",password="${security.password}"]`];

/** Any 16 bytes in base64. */
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

/** Takes traces and answers questions about them; keeps them in memory. */
export async function startZipkin(options: ServerOptions = {}): Promise<Server> {
  const jar = await install("zipkin");
  const place = await placeOf(options);
  const { port } = place;
  const heap = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"];
  return Server.start({
    ...{ name: "zipkin", command: "java", ...place, url: `http://${HOST}:${String(port)}` },
    args: [...heap, "-jar", jar, `--server.port=${String(port)}`],
    ready: /Started ZipkinServer|Serving HTTP at/,
  });
}

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

/** @param config in YAML; what it names by a relative path is beside `folder`/prometheus.yml. */
export async function startPrometheus(config: string, options: ServerOptions = {}): Promise<Server> {
  const command = await install("prometheus");
  const place = await placeOf(options);
  const { port, folder } = place;
  const file = join(folder, "prometheus.yml");
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, config);
  const address = `${HOST}:${String(port)}`;
  return Server.start({
    ...{ name: "prometheus", command, ...place, url: `http://${address}` },
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
      ...["--enable-feature=exemplar-storage", "--web.enable-remote-write-receiver"],
    ],
    ready: /Server is ready to receive web requests/,
  });
}

/** Tells a Prometheus of the machine. */
export async function startNodeExporter(options: ServerOptions = {}): Promise<Server> {
  const command = await install("node-exporter");
  const place = await placeOf(options);
  const address = `${HOST}:${String(place.port)}`;
  return Server.start({
    ...{ name: "node-exporter", command, ...place, url: `http://${address}` },
    args: [`--web.listen-address=${address}`],
    ready: /Listening on/,
  });
}

/** Reads the rules and configuration as Prometheus and the Alertmanager do. @throws with what it says when it finds fault */
export async function promtool(args: readonly string[], cwd: string): Promise<string> {
  return checked(join(dirname(await install("prometheus")), "promtool"), args, cwd);
}
export async function amtool(args: readonly string[], cwd: string): Promise<string> {
  return checked(join(dirname(await install("alertmanager")), "amtool"), args, cwd);
}

async function checked(tool: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await run(tool, args, { cwd })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${tool} ${args.join(" ")}:\n${stdout}${stderr}`, { cause: error });
  }
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
 * @param mongoOptions in memory when left out: these servers are not broken
 */
export async function requireServers(
  environment: Readonly<Record<string, string | undefined>>,
  mongoOptions: MongoOptions = { inMemory: true },
): Promise<Servers> {
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
      address("MONGO_URL", () => startMongo(mongoOptions)),
      address("KAFKA_BROKERS", startKafka),
    ]);
    return { nats, mongo, kafka, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
