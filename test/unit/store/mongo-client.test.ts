// How a MongoDB client is set up, whatever its connection string says.
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MongoClient, MongoOperationTimeoutError } from "mongodb";
import type { MongoConnection } from "../../../core/store/mongo-adapter.ts";
import { mongoOptions, reading } from "../../../core/store/mongo-client.ts";
import { createMongoDriver } from "../../../core/store/mongo-driver.ts";

it.each(["w=0", "w=1&journal=false", "readConcernLevel=local", "readPreference=secondary", "retryWrites=true"])(
  "keeps what the shop promises when the connection string asks for %s",
  weaker => {
    const url = `mongodb://m/?${weaker}`;
    const { options } = new MongoClient(url, mongoOptions({ url, user: null, password: null, tls: null }));
    expect(options.writeConcern).toMatchObject({ w: "majority", j: true });
    expect(options.readConcern).toMatchObject({ level: "majority" });
    expect(options.readPreference).toMatchObject({ mode: "primary" });
    expect(options.retryWrites).toBe(false);
  },
);

describe("An operation that the driver never ends", () => {
  const hangs = new Promise<never>(() => undefined);
  const PATIENCE_MS = 13_000;
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** The error, once time has passed. */
  async function errorOf(operation: Promise<unknown>): Promise<unknown> {
    const failed = operation.catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(PATIENCE_MS);
    return Promise.race([failed, Promise.resolve("still waits")]);
  }

  it("is given up: a reader may try again", async () => {
    expect(await errorOf(reading(() => hangs))).toMatchObject({ code: 503, type: "SERVICE_UNAVAILABLE" });
  });

  it("is given up: what became of a write is unknown", async () => {
    const connection = { onOpen: () => undefined, prepared: () => hangs } as unknown as MongoConnection;
    const spec = { name: "things", aggregate: "thing", schemaVersion: 1, indexes: [] };
    const driver = createMongoDriver(spec, connection, Date);
    expect(await errorOf(driver.write([]))).toBeInstanceOf(MongoOperationTimeoutError);
  });

  it("leaves no timer behind when it ends", async () => {
    await expect(reading(() => Promise.resolve(1))).resolves.toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });
});
