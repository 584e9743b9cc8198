// The mark of a restore that has not ended, in a database of its own: set before anything is deleted, taken away when all is in.
import { MongoClient, type Collection } from "mongodb";
import type { MongoConfig } from "../config-cluster.ts";
import { mongoOptions } from "./mongo-client.ts";

export interface RestoreMark {
  /** The backup's file. */
  readonly backup: string;
  readonly begunAt: string;
}

interface Row extends RestoreMark {
  readonly _id: string;
}

const ID = "restore";

/** No service has this name. */
export const markDatabase = (namespace: string): string => `${namespace}_restoring`;

const markIn = (client: MongoClient, namespace: string): Collection<Row> =>
  client.db(markDatabase(namespace)).collection<Row>("mark");

export async function findMark(client: MongoClient, namespace: string): Promise<RestoreMark | null> {
  return markIn(client, namespace).findOne({ _id: ID });
}

export async function setMark(client: MongoClient, namespace: string, mark: RestoreMark): Promise<void> {
  await markIn(client, namespace).replaceOne({ _id: ID }, mark, { upsert: true });
}

export async function removeMark(client: MongoClient, namespace: string): Promise<void> {
  await client.db(markDatabase(namespace)).dropDatabase();
}

/** For who has no connection yet. */
export async function readMark(config: MongoConfig, namespace: string): Promise<RestoreMark | null> {
  const client = new MongoClient(config.url, { ...mongoOptions(config), minPoolSize: 0, maxPoolSize: 1 });
  try {
    return await findMark(client, namespace);
  } finally {
    await client.close();
  }
}
