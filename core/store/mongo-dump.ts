// The databases of a cluster as they lie in MongoDB, for backup and restore: whole documents, without anybody's schema.
import { BSON, MongoClient, type Collection, type Filter } from "mongodb";
import type { MongoConfig } from "../config-cluster.ts";
import { StartupError } from "../startup-error.ts";
import { describeError, mongoHosts, mongoOptions } from "./mongo-client.ts";
import { ENTRIES } from "./mongo-indexes.ts";
import { findMark, markDatabase, removeMark, setMark, type RestoreMark } from "./mongo-restore-mark.ts";

/** A collection of a service's database. */
export interface Place {
  readonly service: string;
  readonly collection: string;
}

export interface RawDocument {
  readonly id: string;
  /** Of a document that has entries in a collection of their own, the document's id; else its own. */
  readonly owner: string;
  readonly version: number;
  /** Extended JSON. */
  readonly body: string;
}

interface Row {
  readonly _id: string;
  readonly version?: number;
  readonly doc?: string;
  readonly v?: number;
}

/** What is read and written at once. */
const BATCH = 500;
const ALL_AT_ONCE = { batchSize: BATCH };

export const isEntries = ({ collection }: Place): boolean => collection.endsWith(ENTRIES);
export const entriesBeside = ({ service, collection }: Place): Place => ({ service, collection: collection + ENTRIES });

const toRaw = (row: Row): RawDocument => ({
  id: row._id,
  owner: row.doc ?? row._id,
  version: row.version ?? row.v ?? 0,
  body: BSON.EJSON.stringify(row),
});

export class MongoDump {
  readonly #client: MongoClient;
  readonly #namespace: string;
  readonly #prefix: string;

  private constructor(client: MongoClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#prefix = `${namespace}_`;
  }

  /** @throws StartupError in one line when the server cannot be had */
  static async open(config: MongoConfig, namespace: string): Promise<MongoDump> {
    try {
      // A long scan may keep silent longer than a shop may wait.
      const client = new MongoClient(config.url, { ...mongoOptions(config), socketTimeoutMS: 60_000 });
      await client.connect();
      return new MongoDump(client, namespace);
    } catch (error) {
      throw new StartupError(`MongoDB at ${mongoHosts(config.url)}: ${describeError(error, config)}`, { cause: error });
    }
  }

  async places(): Promise<Place[]> {
    const names = await this.#databases();
    const found = await Promise.all(
      names.map(async name => {
        const collections = await this.#client.db(name).listCollections({}, { nameOnly: true }).toArray();
        const own = collections.map(each => each.name).filter(each => !each.startsWith("system."));
        return own.map(collection => ({ service: name.slice(this.#prefix.length), collection }));
      }),
    );
    return found.flat();
  }

  async *documents(place: Place): AsyncGenerator<RawDocument> {
    for await (const row of this.#of(place).find({}, ALL_AT_ONCE)) yield toRaw(row);
  }

  async *versions(place: Place): AsyncGenerator<Pick<RawDocument, "id" | "version">> {
    const found = this.#of(place).find({}, { projection: { version: 1 }, batchSize: 10 * BATCH });
    for await (const { _id, version = 0 } of found) yield { id: _id, version };
  }

  /** The documents of these ids, and after them what the entries' collection has of theirs. */
  async whole(place: Place, ids: readonly string[]): Promise<{ documents: RawDocument[]; entries: RawDocument[] }> {
    const documents = await this.#find(place, { _id: { $in: [...ids] } });
    const entries = await this.#find(entriesBeside(place), { doc: { $in: [...ids] } });
    return { documents, entries };
  }

  async isEmpty(): Promise<boolean> {
    for (const place of await this.places()) if ((await this.#of(place).findOne({})) !== null) return false;
    return true;
  }

  async drop(): Promise<void> {
    for (const name of await this.#databases()) await this.#client.db(name).dropDatabase();
  }

  async insert(place: Place, bodies: readonly string[]): Promise<void> {
    if (bodies.length > 0) await this.#of(place).insertMany(bodies.map(body => BSON.EJSON.parse(body) as Row));
  }

  /** Of a restore into the namespace that has not ended. */
  mark(): Promise<RestoreMark | null> {
    return findMark(this.#client, this.#namespace);
  }

  setMark(mark: RestoreMark): Promise<void> {
    return setMark(this.#client, this.#namespace, mark);
  }

  removeMark(): Promise<void> {
    return removeMark(this.#client, this.#namespace);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Of the services. */
  async #databases(): Promise<string[]> {
    const { databases } = await this.#client.db("admin").admin().listDatabases({ nameOnly: true });
    const own = databases.map(({ name }) => name).filter(name => name.startsWith(this.#prefix));
    return own.filter(name => name !== markDatabase(this.#namespace));
  }

  async #find(place: Place, filter: Filter<Row>): Promise<RawDocument[]> {
    return (await this.#of(place).find(filter, ALL_AT_ONCE).toArray()).map(toRaw);
  }

  #of({ service, collection }: Place): Collection<Row> {
    return this.#client.db(this.#prefix + service).collection<Row>(collection);
  }
}
