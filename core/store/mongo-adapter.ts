// A MongoDB database as moleculer-db sees it: moleculer-db-adapter-mongo connects it; its actions, find and update are not used.
import type { ServiceBroker, Service } from "moleculer";
import type { Db, MongoClient } from "mongodb";
import MongoDbAdapter from "moleculer-db-adapter-mongo";
import type { MongoConfig } from "../config-cluster.ts";
import { fail } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { StartupError } from "../startup-error.ts";
import { describeError, mongoHosts, mongoOptions, reading } from "./mongo-client.ts";
import type { HostAdapter } from "./sqlite-adapter.ts";

interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string, data?: unknown): void;
}

/** What the package is at run time; its typings describe another module format. */
interface PackageAdapter {
  client?: MongoClient;
  init(broker: ServiceBroker | null, service: unknown): void;
  connect(): Promise<void>;
}
const PackageAdapter = MongoDbAdapter as unknown as new (uri: string, options: object, name: string) => PackageAdapter;

type Listener = (...values: unknown[]) => void;

/** The package listens to its database for what drivers since 4.0 tell elsewhere (ADR 16); a database that takes listeners will do. */
class Adapter extends PackageAdapter {
  #db: Db | undefined;

  get db(): Db | undefined {
    return this.#db;
  }
  set db(db: Db | undefined) {
    if (db !== undefined) Object.assign(db, { on: (_event: string, _listener: Listener) => db });
    this.#db = db;
  }
}

export interface MongoConnectionOptions {
  readonly config: MongoConfig;
  /** Of the database. */
  readonly name: string;
  readonly clock: Clock;
  /** How long `connect` tries, in ms. */
  readonly startupTimeoutMs: number;
  /** For what the process cannot go on with: the server stays away at the start, or refuses an index. */
  readonly onFatal: (error: Error) => void;
}

type Prepare = (db: Db) => Promise<void>;

const RETRY_MS = 500;
const CHECK_MS = 2_000;
const CLOSE_MS = 2_000;
/** Failed checks in a row after which a new client is tried. */
const PATIENCE = 2;
const silent: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

export class MongoConnection implements HostAdapter {
  readonly #options: MongoConnectionOptions;
  readonly #preparations: Prepare[] = [];
  #logger: Logger = silent;
  #adapter: Adapter | null = null;
  #connecting: Promise<void> | null = null;
  #checking: Promise<unknown> | null = null;
  #prepared: Promise<unknown> = Promise.resolve();
  /** Of the connection there is now: a watch that is another one ends. */
  #watch: object | null = null;

  constructor(options: MongoConnectionOptions) {
    this.#options = options;
  }

  init(_broker?: ServiceBroker, service?: Service): void {
    if (service !== undefined) this.#logger = service.logger;
  }

  /** Runs at each `connect`, before anybody uses the database; at once when it is connected. */
  onOpen(prepare: Prepare): void {
    this.#preparations.push(prepare);
    const db = this.#adapter?.db;
    if (db === undefined) return;
    this.#prepared = Promise.all([this.#prepared, prepare(db)]);
    this.#prepared.catch(() => undefined);
  }

  /** Resolves when everything is prepared: a unique index must be there before the first write. */
  async prepared(): Promise<void> {
    await this.#prepared;
  }

  /** Tries until the time for starting is over; only then, or for what will not mend itself, the process must not go on. */
  connect(): Promise<void> {
    this.#connecting ??= this.#tryUntilConnected().catch((error: unknown) => {
      this.#connecting = null;
      const fatal = error instanceof StartupError ? error : new StartupError(this.#describe(error), { cause: error });
      this.#options.onFatal(fatal);
      throw fatal;
    });
    return this.#connecting;
  }

  async disconnect(): Promise<void> {
    const client = this.#adapter?.client;
    this.#adapter = null;
    this.#connecting = null;
    this.#watch = null;
    // A frozen server would keep a farewell waiting.
    if (client !== undefined) await Promise.race([client.close(), this.#options.clock.sleep(CLOSE_MS)]);
  }

  /** @throws SERVICE_UNAVAILABLE when the database does not answer within 2 s. */
  async check(): Promise<void> {
    this.#checking ??= reading(async () => this.db().command({ ping: 1 }, { timeoutMS: CHECK_MS })).finally(() => {
      this.#checking = null;
    });
    const late = this.#options.clock.sleep(CHECK_MS).then(() => {
      throw fail("SERVICE_UNAVAILABLE", "The database does not answer: try again", { retryAfter: 1 });
    });
    await Promise.race([this.#checking, late]);
  }

  /** @throws SERVICE_UNAVAILABLE before `connect`. */
  db(): Db {
    const db = this.#adapter?.db;
    if (db === undefined) throw fail("SERVICE_UNAVAILABLE", `The database ${this.#options.name} is not connected`);
    return db;
  }

  async #tryUntilConnected(): Promise<void> {
    const { clock, startupTimeoutMs } = this.#options;
    const end = clock.now() + startupTimeoutMs;
    for (;;) {
      try {
        await this.#open();
        void this.#keepWatch();
        return;
      } catch (error) {
        await this.#discard();
        if (error instanceof StartupError || clock.now() + RETRY_MS >= end) throw error;
        this.#logger.warn(this.#describe(error));
        await clock.sleep(RETRY_MS);
      }
    }
  }

  async #discard(): Promise<void> {
    const client = this.#adapter?.client;
    this.#adapter = null;
    await client?.close().catch(() => undefined);
  }

  async #open(): Promise<void> {
    this.#adapter = this.#make();
    await this.#adapter.connect();
    await Promise.all(this.#preparations.map(prepare => prepare(this.db())));
  }

  #make(): Adapter {
    const { config, name } = this.#options;
    const adapter = new Adapter(config.url, mongoOptions(config), name);
    // It asks for one collection by name; ours are opened by their specs.
    adapter.init(null, { schema: { collection: "comptoir" }, logger: this.#logger });
    return adapter;
  }

  /** The driver's own watch can wait for ever for a closed socket, and then takes the server for gone until the process ends. */
  async #keepWatch(): Promise<void> {
    const watch = {};
    this.#watch = watch;
    let failures = 0;
    for (;;) {
      await this.#options.clock.sleep(CHECK_MS);
      const isWell = await this.check().then(
        () => true,
        () => false,
      );
      if (this.#watch !== watch) return;
      failures = isWell ? 0 : failures + 1;
      if (failures >= PATIENCE) await this.#renew(watch);
    }
  }

  /** Where a new client gets through, it takes the place of the old one. */
  async #renew(watch: object): Promise<void> {
    const adapter = this.#make();
    try {
      await adapter.connect();
    } catch {
      await adapter.client?.close().catch(() => undefined);
      return;
    }
    const old = this.#watch === watch ? this.#adapter : adapter;
    if (old !== adapter) this.#adapter = adapter;
    await Promise.race([old?.client?.close().catch(() => undefined), this.#options.clock.sleep(CLOSE_MS)]);
  }

  #describe(error: unknown): string {
    const { config, name } = this.#options;
    return `The database ${name} at ${mongoHosts(config.url)}: ${describeError(error, config)}`;
  }
}
