// What the event log promises while its broker or its readers die: a broker of its own, real processes.
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { Kafka, logLevel } from "kafkajs";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { checkKafka } from "../../core/kafka-client.ts";
import { freePort } from "../../scripts/support/free-port.ts";
import { temporaryFolder } from "../../scripts/support/node-process.ts";
import { startKafka } from "../../scripts/support/servers.ts";
import type { KafkaLog } from "../../services/bridge/kafka-log.ts";
import { event } from "../contract/event-log.contract.ts";
import { kafkaConfig, openKafkaLog } from "../support/kafka.ts";

type Broker = Awaited<ReturnType<typeof startKafka>>;

let broker: Broker;
beforeAll(async () => {
  broker = await startKafka();
});
afterAll(async () => {
  await broker.stop();
});

const namespace = () => `test-${randomUUID().slice(0, 8)}`;

async function until(isDone: () => boolean | Promise<boolean>, ms: number, what: string): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isDone())) {
    if (Date.now() > end) throw new Error(`Not within ${String(ms)} ms: ${what}`);
    await delay(50);
  }
}

/** All that is in the topic, by a client that knows nothing of the bridge. */
async function readAll(topic: string): Promise<CloudEvent[]> {
  const kafka = new Kafka({ brokers: [broker.url], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const count = ends.reduce((sum, { high }) => sum + Number(high), 0);
  const consumer = kafka.consumer({ groupId: randomUUID() });
  const found: CloudEvent[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      found.push(JSON.parse(message.value?.toString() ?? "") as CloudEvent);
      return Promise.resolve();
    },
  });
  await until(() => found.length >= count, 30_000, "everything is read back");
  await consumer.disconnect();
  return found;
}

/** As a relay does: one after the other per aggregate, each until the log has it. */
async function relay(log: KafkaLog, subject: string, isOver: () => boolean) {
  let [acknowledged, failures, longest] = [0, 0, 0];
  for (let sequence = 1; !isOver();) {
    const begin = Date.now();
    try {
      await log.append([event(subject, sequence)]);
      acknowledged = sequence;
      sequence += 1;
    } catch (error) {
      expect(error).toMatchObject({ type: "SERVICE_UNAVAILABLE" });
      failures += 1;
      await delay(100);
    }
    longest = Math.max(longest, Date.now() - begin);
  }
  return { subject, acknowledged, failures, longest };
}

async function whileRelaying(log: KafkaLog, trouble: () => Promise<void>) {
  let isOver = false;
  const subjects = Array.from({ length: 20 }, (_, index) => `s${String(index)}`);
  const relays = subjects.map(subject => relay(log, subject, () => isOver));
  await delay(500);
  await trouble();
  await until(
    () =>
      log.append([event("probe", 1)]).then(
        () => true,
        () => false,
      ),
    30_000,
    "the log takes events again",
  );
  await delay(1_000);
  isOver = true;
  return Promise.all(relays);
}

describe("The event log on a broker that fails", () => {
  let log: KafkaLog;
  afterEach(async () => {
    await log.close();
  });

  it.each([
    [
      "is killed and comes back",
      async () => {
        await broker.kill();
        await delay(3_000);
        await broker.restart();
      },
    ],
    [
      "is frozen for 12 s",
      async () => {
        broker.freeze();
        await delay(12_000);
        broker.thaw();
      },
    ],
  ])("has every acknowledged event in order when the broker %s", async (_what, trouble) => {
    const place = namespace();
    log = await openKafkaLog([broker.url], place);
    const told = await whileRelaying(log, trouble);
    const found = await readAll(`${place}.order.v1`);
    for (const { subject, acknowledged, longest } of told) {
      const ids = found.filter(one => one.subject === subject).map(({ sequence }) => sequence);
      const first = [...new Set(ids)];
      expect(first.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, index) => index + 1));
      expect(longest).toBeLessThan(7_000);
    }
    expect(told.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(100);
    expect(told.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(0);
  });

  it("says that it is away while the broker is frozen, refuses at once, and closes all the same", async () => {
    log = await openKafkaLog([broker.url], namespace());
    await log.append([event("a", 1)]);
    await expect(log.check()).resolves.toBeUndefined();
    broker.freeze();
    try {
      await expect(log.append([event("a", 2)])).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
      const begin = Date.now();
      await expect(log.append([event("a", 2)])).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
      await expect(log.check()).rejects.toThrow("does not acknowledge");
      await log.close();
      expect(Date.now() - begin).toBeLessThan(4_000);
    } finally {
      broker.thaw();
    }
  });
});

describe("Asking whether Kafka is there", () => {
  it("resolves when it is, and says why in one line when it is not", async () => {
    await until(
      () =>
        checkKafka(kafkaConfig([broker.url])).then(
          () => true,
          () => false,
        ),
      20_000,
      "Kafka is there",
    );
    await expect(checkKafka(kafkaConfig(["127.0.0.1:1"]))).rejects.toThrow(/^[^\n]*ECONNREFUSED[^\n]*$/);
  });

  it("resolves as long as one of the brokers that are named is there", async () => {
    await expect(checkKafka(kafkaConfig(["127.0.0.1:1", "127.0.0.1:2", broker.url]))).resolves.toBeUndefined();
  });
});

interface Reader {
  readonly process: ChildProcess;
  readonly seen: string[];
  feeds: number;
}

function startReader(place: string, readers: Reader[], url = broker.url): Reader {
  const script = join(import.meta.dirname, "..", "support", "bridge-process.ts");
  const child = spawn(process.execPath, [script, url, place, "billing"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const reader: Reader = { process: child, seen: [], feeds: 0 };
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString()}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("feeds ")) reader.feeds = Number(line.slice(6));
      else reader.seen.push(line);
    }
  });
  readers.push(reader);
  return reader;
}

const readers: Reader[] = [];
afterEach(async () => {
  for (const { process: child } of readers.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
});

describe("A broker that comes back without its data", () => {
  it("gets its topics anew, which is said, and events are taken and delivered again", async () => {
    const [port, folder, place] = [await freePort(), temporaryFolder(), namespace()];
    const full = await startKafka({ port, folder });
    const said: string[] = [];
    const log = await openKafkaLog([full.url], place, message => said.push(message));
    const reader = startReader(place, readers, full.url);
    await log.append([event("a", 1)]);
    await until(() => reader.seen.length === 1, 60_000, "the first event is delivered");

    await full.kill();
    rmSync(folder, { recursive: true });
    const empty = await startKafka({ port, folder });
    const isAppended = (): Promise<boolean> =>
      log.append([event("a", 2)]).then(
        () => true,
        () => false,
      );
    await until(isAppended, 60_000, "the log takes events again");
    await until(() => reader.seen.includes("order:a:2"), 60_000, "the new event is delivered");
    expect(said.filter(message => message.startsWith("Kafka has lost topics"))).toHaveLength(1);
    await log.close();
    await empty.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);
});

describe("Two processes of one group", () => {
  it("share the partitions; when one is killed the other takes its share, and nothing is left out", async () => {
    const place = namespace();
    const log = await openKafkaLog([broker.url], place);
    const subjects = Array.from({ length: 12 }, (_, index) => `s${String(index)}`);
    const appendAll = (sequence: number) => log.append(subjects.map(subject => event(subject, sequence)));
    const [one, two] = [startReader(place, readers), startReader(place, readers)];
    await until(() => one.feeds > 0 && two.feeds > 0 && one.feeds + two.feeds === 3, 60_000, "both have feeds");
    for (let sequence = 1; sequence <= 20; sequence += 1) await appendAll(sequence);
    await until(() => one.seen.length + two.seen.length >= 240, 20_000, "all is delivered");
    expect(one.seen.length).toBeGreaterThan(0);
    expect(two.seen.length).toBeGreaterThan(0);
    one.process.kill("SIGKILL");
    const begin = Date.now();
    for (let sequence = 21; sequence <= 40; sequence += 1) await appendAll(sequence);
    const all = () => new Set([...one.seen, ...two.seen]).size;
    await until(() => all() === 480, 40_000, "the other has taken over");
    expect(Date.now() - begin).toBeLessThan(30_000);
    for (const subject of subjects) {
      const first = [...new Set([...one.seen, ...two.seen].filter(id => id.startsWith(`order:${subject}:`)))];
      expect(first).toEqual(Array.from({ length: 40 }, (_, index) => `order:${subject}:${String(index + 1)}`));
    }
    await log.close();
  });
});
