// The store's promises on a MongoDB server: MONGO_URL's, or one that is started here.
import { afterAll, beforeAll } from "@jest/globals";
import { startMongo } from "../../scripts/support/servers.ts";
import { storeContract } from "../contract/store.contract.ts";
import { mongoStorage } from "../support/mongo-storage.ts";

let url = process.env["MONGO_URL"] ?? "";
let stop = (): Promise<void> => Promise.resolve();
beforeAll(async () => {
  if (url !== "") return;
  const server = await startMongo({ inMemory: true });
  url = server.url;
  stop = () => server.stop();
});
afterAll(() => stop());

// Unpublished events lie in the document, and a server may write a document as a whole.
storeContract("MongoDB", () => Promise.resolve(mongoStorage(url)), { fullOutbox: 15 });
