// How a MongoDB client is set up, whatever its connection string says.
import { expect, it } from "@jest/globals";
import { MongoClient } from "mongodb";
import { mongoOptions } from "../../../core/store/mongo-client.ts";

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
