import { beforeEach, describe, expect, it } from "@jest/globals";
import type { KafkaAdmin } from "../../../core/kafka.ts";
import { boundedAdmin } from "../../../services/bridge/kafka-admin.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const never = (): Promise<never> => new Promise(() => undefined);

describe("Asking Kafka", () => {
  let clock: ManualClock;
  let connecting: () => Promise<void>;
  let made: { topics: () => Promise<string[]>; isClosed: boolean }[];
  let admin: KafkaAdmin;

  beforeEach(() => {
    clock = createManualClock();
    made = [];
    connecting = () => Promise.resolve();
    const create = (): KafkaAdmin => {
      const name = `topic of client ${String(made.length + 1)}`;
      const state = { topics: () => Promise.resolve([name]), isClosed: false };
      made.push(state);
      return {
        connect: () => connecting(),
        ping: never,
        topics: () => state.topics(),
        disconnect() {
          state.isClosed = true;
          return never();
        },
      } as Partial<KafkaAdmin> as KafkaAdmin;
    };
    admin = boundedAdmin({ admin: create }, clock);
  });

  const clientOf = (number: number) => {
    const client = made[number - 1];
    if (client === undefined) throw new Error(`Only ${String(made.length)} clients were made`);
    return client;
  };

  it("asks one client for as long as it answers, a refusal too", async () => {
    expect(await admin.topics()).toEqual(["topic of client 1"]);
    const refusal = new Error("not for you");
    clientOf(1).topics = () => Promise.reject(refusal);
    await expect(admin.topics()).rejects.toBe(refusal);
    await expect(admin.topics()).rejects.toBe(refusal);
    expect(made).toHaveLength(1);
  });

  it("gives a client up that does not answer in 5 s, and asks another one", async () => {
    await admin.connect();
    clientOf(1).topics = never;
    await expect(clock.until(admin.topics())).rejects.toThrow("Asking for topics took longer than 5000 ms");
    expect(clientOf(1).isClosed).toBe(true);
    expect(await admin.topics()).toEqual(["topic of client 2"]);
  });

  it("gives a client up that asks for topics which are gone: it would before every answer", async () => {
    await admin.connect();
    const gone = Object.assign(new Error("This server does not host this topic-partition"), {
      type: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    clientOf(1).topics = () => Promise.reject(new Error("Retried", { cause: gone }));
    await expect(admin.topics()).rejects.toThrow("Retried");
    expect(clientOf(1).isClosed).toBe(true);
    expect(await admin.topics()).toEqual(["topic of client 2"]);
  });

  it("connects anew after a connection that failed", async () => {
    connecting = () => Promise.reject(new Error("ECONNREFUSED"));
    await expect(admin.connect()).rejects.toThrow("ECONNREFUSED");
    connecting = () => Promise.resolve();
    expect(await admin.topics()).toEqual(["topic of client 2"]);
  });

  it("tells a ping that is not answered after a second, and waits longer before it gives the client up", async () => {
    const begin = clock.now();
    await expect(clock.until(admin.ping())).rejects.toThrow("1000 ms");
    expect(clock.now() - begin).toBe(1_000);
    expect(await admin.topics()).toEqual(["topic of client 1"]);
    await clock.advance(4_000);
    expect(await admin.topics()).toEqual(["topic of client 2"]);
  });

  it("closes a client that was given up while it connected, once it has", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    connecting = () => promise;
    await expect(clock.until(admin.connect())).rejects.toThrow("Connecting to Kafka took longer than 5000 ms");
    clientOf(1).isClosed = false;
    resolve(undefined);
    await clock.advance(0);
    expect(clientOf(1).isClosed).toBe(true);
  });

  it("makes no client any more once it is closed", async () => {
    await admin.disconnect();
    await expect(admin.topics()).rejects.toThrow("closed");
    expect(made).toEqual([]);
  });

  it("closes within a second", async () => {
    await admin.connect();
    await expect(clock.until(admin.disconnect())).rejects.toThrow("Leaving Kafka took longer than 1000 ms");
    expect(clientOf(1).isClosed).toBe(true);
  });
});
