// DocumentStore above any driver: concurrent commands of one document are decided one after another and written together.
import type { Attributes } from "@opentelemetry/api";
import type { CloudEvent } from "../contracts/common.ts";
import { Acknowledger } from "./acknowledger.ts";
import { checkQuery, positionOf, toVersioned } from "./documents.ts";
import type { Driver } from "./driver.ts";
import type {
  CollectionSpec,
  Decide,
  DocumentStore,
  DueEntry,
  Entries,
  Listing,
  Query,
  Updated,
  UpdateOptions,
  Versioned,
  Whole,
} from "./port.ts";
import { currentScope } from "../tracing/scope.ts";
import { SpanKind, tracedWithin } from "../tracing/tracer.ts";
import { Writer, type StoreOptions } from "./writer.ts";

export interface CollectionStore<S, X = never> extends DocumentStore<S, X> {
  readonly spec: CollectionSpec<S>;
  /** Documents with events that this process wrote; the relay takes out what it publishes. */
  readonly unpublished: Set<string>;
  /** Unpublished events as this process counts them. */
  backlog(): number;
  /** Counts them anew: other processes write and acknowledge too. */
  measure(): Promise<void>;
}

const spanAttributes = (spec: CollectionSpec<unknown>, system = "other"): Record<string, Attributes> =>
  Object.fromEntries(
    ["load", "list", "update"].map(operation => [
      operation,
      { "db.system.name": system, "db.operation.name": operation, "db.collection.name": spec.name },
    ]),
  );

class GroupCommitStore<S, X> implements CollectionStore<S, X> {
  readonly spec: CollectionSpec<S>;
  readonly #driver: Driver;
  readonly #writer: Writer<S, X>;
  readonly #acknowledger: Acknowledger;
  readonly #attributes: Readonly<Record<string, Attributes>>;

  constructor(spec: CollectionSpec<S>, driver: Driver, options: StoreOptions) {
    this.spec = spec;
    this.#driver = driver;
    this.#attributes = spanAttributes(spec, options.system);
    this.#writer = new Writer(spec, driver, options);
    this.#acknowledger = new Acknowledger(driver, options.clock, taken => {
      this.#writer.backlog.add(-taken);
    });
  }

  get unpublished(): Set<string> {
    return this.#writer.unpublished;
  }

  async load(id: string): Promise<Versioned<S> | null> {
    const [document] = await this.loadMany([id]);
    return document ?? null;
  }

  loadMany(ids: readonly string[]): Promise<Versioned<S>[]> {
    return ids.length === 0 ? Promise.resolve([]) : this.#traced("load", () => this.#loadMany(ids));
  }

  async #loadMany(ids: readonly string[]): Promise<Versioned<S>[]> {
    const loaded = await this.#driver.read(ids.map(id => ({ id, keys: [], dueBy: null })));
    await this.#driver.durable();
    return loaded.flatMap(({ document }) => (document === null ? [] : [toVersioned(this.spec, document)]));
  }

  async loadEntries(id: string, keys: readonly string[]): Promise<Entries<X>> {
    const [loaded] = await this.#driver.read([{ id, keys, dueBy: null }]);
    await this.#driver.durable();
    return (loaded?.entries ?? new Map()) as Entries<X>;
  }

  async loadWhole(ids: readonly string[]): Promise<Whole<S, X>[]> {
    if (ids.length === 0) return [];
    const loaded = await this.#driver.read(ids.map(id => ({ id, keys: [], dueBy: null, pending: true, whole: true })));
    await this.#driver.durable();
    return loaded.flatMap(({ document, entries, pending }) =>
      document === null
        ? []
        : [{ document: toVersioned(this.spec, document), entries: entries as Entries<X>, pending }],
    );
  }

  update<R>(id: string, decide: Decide<S, R, X>, options: UpdateOptions = {}): Promise<Updated<S, R>> {
    const scope = currentScope();
    const write = (): Promise<Updated<S, R>> =>
      new Promise((resolve, reject) => {
        const tell = resolve as (updated: Updated<S, unknown>) => void;
        this.#writer.add(id, {
          decide,
          options,
          resolve: tell,
          reject,
          attempts: 0,
          alone: false,
          afresh: false,
          scope,
        });
      });
    return this.#traced("update", write);
  }

  async list(query: Query): Promise<Listing<S>> {
    checkQuery(this.spec, query);
    return this.#traced("list", () => this.#list(query));
  }

  async #list(query: Query): Promise<Listing<S>> {
    const found = await this.#driver.list({ ...query, limit: query.limit + 1 });
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const next = found.length > query.limit && last !== undefined ? positionOf(last, query.orderBy) : null;
    return { items: page.map(document => toVersioned(this.spec, document)), next };
  }

  count(): Promise<number> {
    return this.#driver.count();
  }

  due(now: number, limit: number): Promise<DueEntry[]> {
    return this.#driver.due(now, limit);
  }

  admit(): void {
    const refused = this.#writer.backlog.refuses(0, 0);
    if (refused !== null) throw refused;
  }

  pending(limit: number, parked: ReadonlySet<string> = new Set()): Promise<CloudEvent[]> {
    return this.#driver.pending(limit, parked);
  }

  pendingOf(ids: readonly string[], limit: number): Promise<CloudEvent[]> {
    return this.#driver.pendingOf(ids, limit);
  }

  acknowledge(id: string, seq: number): Promise<void> {
    return this.#acknowledger.add(id, seq);
  }

  /** Of what is stored the span says nothing but where. */
  #traced<T>(operation: string, run: () => Promise<T>): Promise<T> {
    return tracedWithin(
      () => ({
        name: `${operation} ${this.spec.name}`,
        kind: SpanKind.CLIENT,
        attributes: this.#attributes[operation] ?? {},
      }),
      run,
    );
  }

  backlog(): number {
    return this.#writer.backlog.count();
  }

  async measure(): Promise<void> {
    this.#writer.backlog.set(await this.#driver.pendingCount());
  }
}

/** Once per collection and process: two of them on one driver would race instead of queueing. */
export const createStore = <S, X = never>(
  spec: CollectionSpec<S>,
  driver: Driver,
  options: StoreOptions,
): CollectionStore<S, X> => new GroupCommitStore(spec, driver, options);
