// How a MongoDB client is set up, whatever its connection string says.
import { expect, it } from "@jest/globals";
import { MongoClient, MongoOperationTimeoutError } from "mongodb";
import { bounded, mongoOptions, reading } from "../../../core/store/mongo-client.ts";

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

it("gives an operation up that the driver never ends, and tells a reader to try again", async () => {
  const hangs = new Promise<never>(() => undefined);
  await expect(bounded(hangs, 10)).rejects.toBeInstanceOf(MongoOperationTimeoutError);
  await expect(reading(() => bounded(hangs, 10))).rejects.toMatchObject({ code: 503, type: "SERVICE_UNAVAILABLE" });
  await expect(bounded(Promise.resolve(1), 10)).resolves.toBe(1);
});
