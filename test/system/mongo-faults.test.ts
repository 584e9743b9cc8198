// A MongoDB server that dies, freezes or cannot be reached: nothing acknowledged is lost, nothing is done twice, nobody hangs.
import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { codeOf } from "../../core/errors.ts";
import { createDatabase } from "../../core/store/database.ts";
import { checkMongo } from "../../core/store/mongo-client.ts";
import { createMongoDriver } from "../../core/store/mongo-driver.ts";
import { mongoDatabases } from "../../core/store/mongo.ts";
import { write, type DocumentStore } from "../../core/store/port.ts";
import { systemClock as clock, systemRandom as random } from "../../core/system.ts";
import { freePort } from "../../scripts/support/free-port.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startMongo, startToxiproxy } from "../../scripts/support/servers.ts";
import type { Proxy, Toxiproxy } from "../../scripts/support/toxiproxy.ts";
import { mongoAt, mongoStorage } from "../support/mongo-storage.ts";
import { counters, increment, type Counter } from "../support/store-client.ts";

/** From the first sign of trouble to an error: a heartbeat and an attempt to reach the server. */
const NOTICED_MS = 8_000;
const BACK_MS = 5_000;

let server: Server;
let toxiproxy: Toxiproxy;
let proxy: Proxy;
beforeAll(async () => {
  [server, toxiproxy] = await Promise.all([startMongo(), startToxiproxy()]);
  proxy = await toxiproxy.proxy(server.address);
});
afterEach(async () => {
  server.thaw();
  await proxy.heal();
});
afterAll(async () => {
  await Promise.all([server.stop(), toxiproxy.stop()]);
});

async function open() {
  const storage = mongoStorage(server.url);
  const connection = storage.connection({ url: `mongodb://${proxy.address}` });
  await connection.connect();
  const database = createDatabase(each => createMongoDriver(each, connection, clock), {
    clock,
    random,
    outboxBound: 1_000_000,
  });
  return { connection, database, store: database.collection<Counter, number>(counters) };
}

async function until(isTrue: () => Promise<boolean>, limitMs: number): Promise<number> {
  const started = performance.now();
  while (!(await isTrue())) {
    expect(performance.now() - started).toBeLessThan(limitMs);
    await clock.sleep(20);
  }
  return performance.now() - started;
}
const stateOf = ({ process: { pid = 0 } }: Server): string =>
  execFileSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).trim();
const answers = (act: () => Promise<unknown>): Promise<boolean> =>
  act().then(
    () => true,
    () => false,
  );
async function errorOf(act: () => Promise<unknown>): Promise<{ code: string; ms: number }> {
  const started = performance.now();
  const error: unknown = await act().then(
    () => "none",
    (thrown: unknown) => thrown,
  );
  return { code: codeOf(error) ?? String(error), ms: performance.now() - started };
}

/** Each command once: its key says that it was applied, the sum says how often. */
const once = (store: DocumentStore<Counter, number>, key: string) =>
  store.update(
    "a",
    (current, entries) => ({
      ...increment(current),
      entries: new Map([[key, { value: (entries.get(key)?.value ?? 0) + 1, dueAt: null }]]),
    }),
    { entries: [key] },
  );

describe("A MongoDB server that is killed", () => {
  it("between and during writes loses nothing that was acknowledged, and nothing is done twice", async () => {
    const { connection, store } = await open();
    const acknowledged = new Set<string>();
    const tried = new Set<string>();
    let writing = true;
    async function client(name: string): Promise<void> {
      for (let round = 0; writing; round += 1) {
        const key = `${name}.${String(round)}`;
        tried.add(key);
        await once(store, key).then(
          () => acknowledged.add(key),
          () => clock.sleep(20),
        );
      }
    }
    const clients = ["one", "two", "three", "four"].map(client);
    for (let kill = 0; kill < 3; kill += 1) {
      const before = acknowledged.size;
      await until(() => Promise.resolve(acknowledged.size > before + 50), 60_000);
      await server.kill();
      await server.restart();
    }
    const before = acknowledged.size;
    await until(() => Promise.resolve(acknowledged.size > before + 50), 60_000);
    writing = false;
    await Promise.all(clients);
    const [whole] = await store.loadWhole(["a"]);
    const applied = [...(whole?.entries ?? [])];
    expect([...acknowledged].filter(key => whole?.entries.has(key) !== true)).toEqual([]);
    expect(applied.filter(([key, { value }]) => value !== 1 || !tried.has(key))).toEqual([]);
    expect(whole?.document.state.n).toBe(applied.length);
    const events = await store.pending(100_000);
    expect(events.map(({ sequence }) => sequence)).toEqual(applied.map((_entry, index) => index + 1));
    await connection.disconnect();
  });
});

describe.each([
  [
    "freezes",
    () => {
      server.freeze();
      // The signal takes its time on a busy machine.
      return until(() => Promise.resolve(stateOf(server).startsWith("T")), 5_000);
    },
    () => {
      server.thaw();
      return Promise.resolve();
    },
  ],
  ["is in a black hole", () => proxy.blackHole(), () => proxy.heal()],
  ["refuses connections", () => proxy.cut(), () => proxy.heal()],
] as const)("A MongoDB server that %s", (_name, breakIt, mendIt) => {
  it("gives an error within seconds, and works on when it is back", async () => {
    const { connection, store } = await open();
    await store.update("a", increment);
    await connection.check();
    await breakIt();
    const [reads, lists, writes, check] = await Promise.all([
      errorOf(() => store.load("a")),
      errorOf(() => store.list({ limit: 1 })),
      errorOf(() => store.update("a", increment)),
      errorOf(() => connection.check()),
    ]);
    for (const { code, ms } of [reads, lists, writes]) {
      expect(code).toBe("SERVICE_UNAVAILABLE");
      expect(ms).toBeLessThan(NOTICED_MS);
    }
    expect(check.code).toBe("SERVICE_UNAVAILABLE");
    expect(check.ms).toBeLessThan(2_500);
    expect((await errorOf(() => store.load("a"))).ms).toBeLessThan(3_500);
    await mendIt();
    await until(() => answers(() => connection.check()), BACK_MS);
    expect(await store.update("a", increment)).toMatchObject({ result: 2 });
    await connection.disconnect();
  });

  it("keeps no stop waiting", async () => {
    const { connection } = await open();
    await breakIt();
    const started = performance.now();
    await connection.disconnect();
    expect(performance.now() - started).toBeLessThan(3_000);
    await mendIt();
  });
});

describe("A start without its MongoDB server", () => {
  it("waits for it", async () => {
    const storage = mongoStorage(server.url);
    const connection = storage.connection({ url: `mongodb://${proxy.address}`, startupTimeoutMs: 60_000 });
    await proxy.cut();
    const connecting = connection.connect();
    expect(await Promise.race([connecting.then(() => "connected"), clock.sleep(1_000).then(() => "waits")])).toBe(
      "waits",
    );
    await proxy.heal();
    await connecting;
    await connection.check();
    await connection.disconnect();
  });

  it("gives up when the time is over, in a line without the password", async () => {
    const address = `127.0.0.1:${String(await freePort())}`;
    const config = {
      ...mongoAt(`mongodb://shop:s3cret@${address}/?authSource=admin`),
      user: "shop",
      password: "s3cret",
    };
    const fatal: Error[] = [];
    const databases = mongoDatabases({
      namespace: "shop",
      cluster: { mongo: config, startupTimeoutMs: 1_000 },
      onFatal: error => void fatal.push(error),
      clock,
      random,
      outboxBound: 10,
    });
    const broker = new ServiceBroker({ logger: false });
    const adapter = (databases("order").mixin as { adapter: { connect(): Promise<void> } }).adapter;
    await expect(adapter.connect()).rejects.toThrow(`The database shop_order at ${address}: connect ECONNREFUSED`);
    expect(fatal.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The database shop_order at [\d.:]+: connect ECONNREFUSED [\d.:]+$/),
    ]);
    await expect(checkMongo(config)).rejects.toThrow(/^connect ECONNREFUSED [\d.:]+$/);
    await checkMongo(mongoAt(server.url));
    await broker.stop();
  });
});

describe("A service on MongoDB", () => {
  it("is connected by moleculer-db, publishes its events, and ends", async () => {
    const published: string[] = [];
    const database = mongoDatabases({
      namespace: `test-${random.id().slice(0, 8)}`,
      cluster: { mongo: mongoAt(server.url), startupTimeoutMs: 10_000 },
      onFatal: error => {
        throw error;
      },
      clock,
      random,
      outboxBound: 1_000,
    })("counter");
    const store = database.collection<Counter, number>(counters);
    const broker = new ServiceBroker({ logger: false });
    broker.createService({
      name: "v1.bridge",
      actions: {
        append(ctx: { params: { events: { id: string }[] } }) {
          published.push(...ctx.params.events.map(({ id }) => id));
        },
      },
    });
    broker.createService({ name: "counter", mixins: [database.mixin] });
    await expect(database.check()).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
    await broker.start();
    await database.check();
    await store.update("a", () => write({ n: 0 }, [], null));
    await Promise.all([1, 2, 3].map(() => store.update("a", increment)));
    await until(() => Promise.resolve(published.length >= 3), 10_000);
    expect(published).toEqual(["counter:a:1", "counter:a:2", "counter:a:3"]);
    await until(async () => (await store.pending(9)).length === 0, 10_000);
    await broker.stop();
    await expect(store.load("a")).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
  });
});
