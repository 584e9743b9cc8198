// The servers that the other system tests stand on, asked by their real clients.
import { afterAll, describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { Kafka, logLevel, type Consumer } from "kafkajs";
import { MongoClient, type Collection } from "mongodb";
import { connect, StringCodec } from "nats";
import { startBreakableServers } from "../../scripts/support/breakable-servers.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { requireServers, startKafka, startMongo, startNats, startToxiproxy } from "../../scripts/support/servers.ts";
import { client } from "../support/client.ts";
import { ROOT } from "../support/shop-process.ts";

interface Stop {
  stop(): Promise<void>;
}
const started: Stop[] = [];
afterAll(() => Promise.all(started.splice(0).map(each => each.stop())));

function kept<T extends Stop>(server: T): T {
  started.push(server);
  return server;
}

const api = client("", "");
const WITHIN_MS = 700;

/** Whether it comes to an answer in time. */
async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  const late = Symbol("late");
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<symbol>(resolve => {
    timer = setTimeout(() => {
      resolve(late);
    }, WITHIN_MS);
  });
  const asked = ask().catch(() => late);
  const first = await Promise.race([asked, timeout]);
  clearTimeout(timer);
  return first !== late;
}

const becomes = (isThere: boolean, ask: () => Promise<unknown>): Promise<boolean> =>
  api.until(
    () => answers(ask),
    answered => answered === isThere,
  );
const eventually = (ask: () => Promise<unknown>): Promise<boolean> => becomes(true, ask);

/** A frozen server answers again after it is thawed, a killed one not before it is started again. */
async function survives(server: Server, ask: () => Promise<unknown>): Promise<void> {
  expect(await eventually(ask)).toBe(true);
  server.freeze();
  // A thread that runs just then may end its answer before the signal stops it.
  expect(await becomes(false, ask)).toBe(false);
  server.thaw();
  expect(await eventually(ask)).toBe(true);
  await server.kill();
  expect(server.process.signalCode).toBe("SIGKILL");
  expect(await answers(ask)).toBe(false);
  await server.restart();
  expect(await eventually(ask)).toBe(true);
}

describe("NATS", () => {
  it("answers, is frozen and thawed, killed and started again on its port", async () => {
    const server = kept(await startNats());
    const echo = async (): Promise<void> => {
      const connection = await connect({ servers: server.url, timeout: 500, reconnect: false });
      try {
        connection.subscribe("echo", { callback: (_, message) => message.respond(message.data) });
        const answer = await connection.request("echo", StringCodec().encode("hello"), { timeout: 500 });
        expect(StringCodec().decode(answer.data)).toBe("hello");
      } finally {
        await connection.close();
      }
    };
    await survives(server, echo);
  });
});

interface Thing {
  readonly _id: string;
}

async function withMongo<T>(url: string, use: (things: Collection<Thing>) => Promise<T>): Promise<T> {
  const connection = await MongoClient.connect(url, { serverSelectionTimeoutMS: 500, socketTimeoutMS: 500 });
  try {
    return await use(connection.db("servers_test").collection<Thing>("things"));
  } finally {
    await connection.close();
  }
}

describe("The MongoDB-compatible server", () => {
  it("keeps what it acknowledged when it is killed", async () => {
    const server = kept(await startMongo());
    const documents = Array.from({ length: 50 }, (_, n) => ({ _id: `thing-${String(n + 10)}` }));
    await withMongo(server.url, async things => {
      for (const document of documents) await things.insertOne(document);
    });
    await survives(server, () => withMongo(server.url, things => things.find().toArray()));
    expect(await withMongo(server.url, things => things.find().toArray())).toEqual(documents);
  });
});

const kafkaOf = (broker: string): Kafka =>
  new Kafka({
    ...{ brokers: [broker], logLevel: logLevel.NOTHING, connectionTimeout: 500, requestTimeout: 2_000 },
    ...{ enforceRequestTimeout: true, retry: { retries: 0 } },
  });

async function topicsOf(broker: string): Promise<string[]> {
  const admin = kafkaOf(broker).admin();
  await admin.connect();
  try {
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

async function send(broker: string, topic: string, values: readonly string[]): Promise<void> {
  const admin = kafkaOf(broker).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafkaOf(broker).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: values.map(value => ({ value })) });
  await producer.disconnect();
}

async function read(broker: string, topic: string, count: number): Promise<string[]> {
  const values: string[] = [];
  // A new group's coordinator is not there at once: this client asks again.
  const patient = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const consumer: Consumer = patient.consumer({ groupId: `reader-${String(Math.random())}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void values.push(String(message.value))) });
  await api.until(
    () => Promise.resolve(values),
    all => all.length >= count,
  );
  await consumer.disconnect();
  return values;
}

describe("Kafka", () => {
  it("keeps what it acknowledged when it is killed", async () => {
    const server = kept(await startKafka());
    const values = ["one", "two", "three"];
    await send(server.url, "servers-test", values);
    await survives(server, () => topicsOf(server.url));
    expect(await read(server.url, "servers-test", 3)).toEqual(values);
  });
});

describe("Servers that can be broken", () => {
  it("are reached through their proxies only, to which Kafka sends its clients", async () => {
    const { nats, mongo, kafka, addresses } = kept(await startBreakableServers());
    const asks = [
      [nats, () => connect({ servers: addresses.nats, timeout: 500, reconnect: false }).then(each => each.close())],
      [mongo, () => withMongo(addresses.mongo, things => things.find().toArray())],
      [kafka, () => topicsOf(addresses.kafka)],
    ] as const;
    for (const [{ proxy }, ask] of asks) {
      expect(await eventually(ask)).toBe(true);
      await proxy.blackHole();
      expect(await answers(ask)).toBe(false);
      await proxy.heal();
      expect(await eventually(ask)).toBe(true);
    }
    const direct = kafkaOf(`127.0.0.1:${String(kafka.server.port)}`).admin();
    await direct.connect();
    const { brokers } = await direct.describeCluster();
    await direct.disconnect();
    expect(brokers.map(broker => `${broker.host}:${String(broker.port)}`)).toEqual([addresses.kafka]);
  });
});

describe("A broken network", () => {
  it("is slow, resets, refuses, swallows, and heals", async () => {
    const [toxiproxy, nats] = await Promise.all([startToxiproxy(), startNats()]);
    kept(toxiproxy);
    kept(nats);
    const proxy = await toxiproxy.proxy(nats.address);
    const ask = async (): Promise<number> => {
      const begin = performance.now();
      const connection = await connect({ servers: proxy.address, timeout: 500, reconnect: false });
      await connection.flush();
      await connection.close();
      return performance.now() - begin;
    };
    for (const breaks of ["reset", "cut", "blackHole"] as const) {
      await proxy[breaks]();
      expect([breaks, await answers(ask)]).toEqual([breaks, false]);
      await proxy.heal();
      expect(await answers(ask)).toBe(true);
    }
    await proxy.latency(200);
    expect(await ask()).toBeGreaterThan(200);
  });
});

describe("Servers for a test", () => {
  it("are those of the environment where it names them", async () => {
    const given = { NATS_URL: "nats://a:1", MONGO_URL: "mongodb://b:2", KAFKA_BROKERS: "c:3,d:4" };
    expect(await requireServers(given)).toMatchObject({ nats: "nats://a:1", mongo: "mongodb://b:2", kafka: "c:3,d:4" });
    const servers = kept(await requireServers({ ...given, NATS_URL: "" }));
    const connection = await connect({ servers: servers.nats });
    await connection.close();
  });

  it("leave nothing behind when they are stopped", async () => {
    const server = await startNats();
    expect(existsSync(server.folder)).toBe(true);
    await server.stop();
    expect(existsSync(server.folder)).toBe(false);
    await expect(server.restart()).rejects.toThrow(/nats was stopped/);
  });

  it("end with the process that started them, be it by kill -9", async () => {
    const owner = spawn(process.execPath, ["test/support/servers-owner.ts"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
    const isAlive = (): boolean => {
      try {
        return process.kill(Number(line), 0);
      } catch {
        return false;
      }
    };
    expect(isAlive()).toBe(true);
    owner.kill("SIGKILL");
    await api.until(
      () => Promise.resolve(isAlive()),
      alive => !alive,
    );
  });

  it("say what is missing and what to do instead", async () => {
    const installer = spawn("/bin/bash", ["scripts/servers/install.sh", "nats"], {
      cwd: ROOT,
      env: { PATH: "/nowhere", HOME: "/nowhere" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    installer.stderr.on("data", chunk => (said += String(chunk)));
    expect(await once(installer, "close")).toEqual([1, null]);
    expect(said).toMatch(/"go" is missing.*set NATS_URL/);
  });
});
