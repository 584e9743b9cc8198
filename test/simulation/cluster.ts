// Processes of the shop over one durable world: each hosts every service, wired as in production, on simulated ports.
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../core/config.ts";
import { callerOf } from "../../core/context.ts";
import { bridgeActions } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import type { Random } from "../../core/kernel/random.ts";
import { implement } from "../../core/service.ts";
import { createDatabase, type StoreDatabase } from "../../core/store/database.ts";
import type { CollectionSpec, DocumentStore } from "../../core/store/port.ts";
import { bridgeHandlers } from "../../services/bridge/bridge.handlers.ts";
import { createDelivery, type Delivery } from "../../services/bridge/delivery.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import type { Feed } from "../../services/bridge/feed.ts";
import { createSubscriptions, type Subscriptions } from "../../services/bridge/subscriptions.ts";
import type { Driver } from "../../core/store/driver.ts";
import type { AnyStore } from "./mutant.ts";
import { SimNode } from "./sim-node.ts";

export type CreateService = (env: Environment) => ServiceSchema;

/** What a process stands on. */
export interface Ground {
  readonly config: Config;
  readonly services: readonly CreateService[];
  readonly open: (node: SimNode, database: string, spec: CollectionSpec<unknown>) => Driver;
  /** A store as it is handed to a service. */
  readonly hand: (store: AnyStore, spec: CollectionSpec<unknown>) => AnyStore;
  readonly log: (node: SimNode) => EventLog;
  readonly call: (node: SimNode, action: string, params: unknown, meta: object) => Promise<unknown>;
  /** The relay of one database: started with it, never stopped but by death. */
  readonly relay: (process: ShopProcess, database: StoreDatabase) => { kick(): void };
  readonly note: (text: string) => void;
}

interface Hosted {
  readonly schema: ServiceSchema;
  readonly self: object;
}

type Handler = (ctx: object) => Promise<unknown>;

export class ShopProcess {
  readonly node: SimNode;
  readonly random: Random;
  readonly broker: ServiceBroker;
  readonly #ground: Ground;
  readonly #hosted = new Map<string, Hosted>();
  readonly #databases = new Map<string, StoreDatabase>();
  readonly #handlers = new Map<string, Handler>();
  #subscriptions: Subscriptions | null = null;
  #leaving = false;

  constructor(node: SimNode, random: Random, ground: Ground) {
    this.node = node;
    this.random = random;
    this.#ground = ground;
    this.broker = this.#fakeBroker();
    for (const create of [...ground.services, () => this.#bridge()]) this.#host(create(this.#environment()));
  }

  get name(): string {
    return this.node.name;
  }

  get alive(): boolean {
    return this.node.alive;
  }

  resume(step: () => void): void {
    this.node.resume(step);
  }

  start(): void {
    for (const { schema, self } of this.#hosted.values()) {
      const { created, started } = schema as { created?: () => void; started?: () => void };
      created?.call(self);
      started?.call(self);
    }
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  /** Stops in order, as a rolling restart does it. */
  async leave(): Promise<void> {
    this.#leaving = true;
    const stops = [...this.#hosted.values()].map(async ({ schema, self }) => {
      const { stopped } = schema as { stopped?: () => Promise<void> };
      await stopped?.call(self);
    });
    await Promise.all(stops);
    this.node.die();
  }

  handle(action: string, params: unknown, meta: object): Promise<unknown> {
    const handler = this.#handlers.get(action);
    if (handler === undefined) return Promise.reject(new TypeError(`Nobody hosts ${action}`));
    const id = this.random.id();
    return handler({ params, meta, broker: this.broker, id, requestID: id });
  }

  /**
   * Takes the bridge's consumer groups over, from where they were committed. Answers what a rebalance does to it.
   * @param log refuses commits after the rebalance
   */
  consume(log: EventLog): () => void {
    const onError = (error: unknown): void => {
      this.#ground.note(`${this.name} delivery failed ${String(error)}`);
    };
    const { clock } = this.node;
    const create = (name: string, types: readonly string[], feed: Feed) => this.#deliveryTo(log, name, types, feed);
    const taken = createSubscriptions({ log, clock, create, onError });
    taken.follow(this.subscribers());
    this.#subscriptions = taken;
    return () => {
      void taken.stop();
    };
  }

  subscribers(): Map<string, readonly string[]> {
    const all = [...this.#hosted].map(([name, { schema }]) => {
      const { subscribes = [] } = (schema.metadata ?? {}) as { subscribes?: readonly string[] };
      return [name, subscribes] as const;
    });
    return new Map(all.filter(([, types]) => types.length > 0));
  }

  #host(schema: ServiceSchema): void {
    const prefix = `v${String(schema.version ?? 1)}.${schema.name}`;
    for (const [name, action] of Object.entries(schema.actions ?? {}))
      this.#handlers.set(`${prefix}.${name}`, (action as { handler: Handler }).handler);
    const warn = (text: string): void => {
      this.#ground.note(`${this.name} ${schema.name} warns ${text}`);
    };
    this.#hosted.set(schema.name, { schema, self: { broker: this.broker, logger: { warn, error: warn, info: warn } } });
  }

  #environment(): Environment {
    const { config, hand } = this.#ground;
    return {
      config,
      clock: this.node.clock,
      random: this.random,
      health: new Health(this.node.clock),
      database: name => {
        const database = this.#database(name);
        const collection = <S, X>(spec: CollectionSpec<S>): DocumentStore<S, X> =>
          hand(database.collection(spec), spec) as unknown as DocumentStore<S, X>;
        return {
          collection,
          mixin: {},
          check: () => Promise.resolve(),
          onWritten: () => undefined,
          measure: () => undefined,
        };
      },
    };
  }

  #database(name: string): StoreDatabase {
    const open = this.#databases.get(name);
    if (open !== undefined) return open;
    let kick = (): void => undefined;
    const options = {
      clock: this.node.clock,
      random: this.random,
      outboxBound: this.#ground.config.outboxBound,
      onCommit: () => {
        kick();
      },
    };
    const database = createDatabase(spec => this.#ground.open(this.node, name, spec), options);
    this.#databases.set(name, database);
    const relay = this.#ground.relay(this, database);
    kick = () => {
      relay.kick();
    };
    return database;
  }

  #bridge(): ServiceSchema {
    const replay = (name: string): Promise<number> => this.#subscriptions?.replay(name) ?? Promise.resolve(0);
    const handlers = bridgeHandlers({
      log: this.#ground.log(this.node),
      clock: this.node.clock,
      random: this.random,
      subscribers: () => this.subscribers(),
      react: () => Promise.reject(new TypeError("Nobody replays a range here")),
      replayHere: replay,
      replayEverywhere: replay,
      onAppended: () => undefined,
    });
    return { name: "bridge", version: 1, actions: implement(bridgeActions, handlers) };
  }

  #deliveryTo(log: EventLog, subscriber: string, types: readonly string[], feed: Feed): Delivery {
    const call = callerOf(this.broker, "bridge");
    return createDelivery({
      feed,
      letters: log,
      subscriber,
      types,
      clock: this.node.clock,
      random: this.random,
      react: (params: { events: CloudEvent[]; replay?: boolean }) =>
        call(`v1.${subscriber}.react` as "v1.order.react", params),
      park: (params: { subject: string; from: number | null }) =>
        call(`v1.${subscriber}.park` as "v1.order.park", params),
    });
  }

  /** As much of a broker as core/context.ts uses; as in Moleculer, a call inherits its parent's meta. */
  #fakeBroker(): ServiceBroker {
    const call = (
      action: string,
      params: unknown,
      { meta = {}, parentCtx }: { meta?: object; parentCtx?: { meta: object } } = {},
    ) => this.#ground.call(this.node, action, params, { ...parentCtx?.meta, ...meta });
    return { call, generateUid: () => this.random.id() } as unknown as ServiceBroker;
  }
}
