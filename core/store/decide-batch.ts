// Decides the commands of one document one after another in memory, each seeing what the ones before it made.
import { fail, toError } from "../errors.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { DomainEvent } from "../contracts/index.ts";
import { timestamp } from "../kernel/clock.ts";
import type { Scope } from "../tracing/scope.ts";
import type { Backlog } from "./backlog.ts";
import { toStored, toVersioned } from "./documents.ts";
import type { Loaded, StoredEntry, Write, WriteMark } from "./driver.ts";
import type { CollectionSpec, Decide, Entries, Entry, UpdateOptions, Updated, Verdict, Versioned } from "./port.ts";

export interface Command<S, X> {
  readonly decide: Decide<S, unknown, X>;
  readonly options: UpdateOptions;
  readonly resolve: (updated: Updated<S, unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** Lost races so far. */
  readonly attempts: number;
  /** Decided and written by itself, so that a unique index refuses the guilty one only. */
  readonly alone: boolean;
  /** Decided on what the database holds, whatever is expected. */
  readonly afresh: boolean;
  /** What the command belongs to; undefined for a service's own rounds. */
  readonly scope: Scope | undefined;
}

/** What a command will be told, once the state it was decided on is durable. */
export interface Answer<S, X> {
  readonly command: Command<S, X>;
  /** What it made. */
  readonly events: readonly CloudEvent[];
  readonly tell: () => void;
}

export interface Decided<S, X> {
  readonly write: Write | null;
  /** Wait for the write, or without one for what they saw: also the refusals. */
  readonly held: readonly Answer<S, X>[];
}

export interface BatchContext<S> {
  readonly spec: CollectionSpec<S>;
  readonly backlog: Backlog;
  readonly id: string;
  /** Null when nobody will have to recognise this batch. */
  readonly writeId: string | null;
  readonly now: number;
}

/** A ring of this many batches; whoever finds more than these after an unknown outcome cannot tell. */
export const REMEMBERED_WRITES = 16;

const remembered = (writes: readonly WriteMark[], mark: WriteMark): WriteMark[] =>
  [...writes, mark].slice(-REMEMBERED_WRITES);

function seen<X>(entries: Entries<X>, asked: UpdateOptions["entries"], now: number): Entries<X> {
  if (asked === "due") return new Map([...entries].filter(([, { dueAt }]) => dueAt !== null && dueAt <= now));
  const view = new Map<string, Entry<X>>();
  for (const key of asked ?? []) {
    const entry = entries.get(key);
    if (entry !== undefined) view.set(key, entry);
  }
  return view;
}

function checkEntries(asked: UpdateOptions["entries"], view: Entries<unknown>, changes: Iterable<string>): void {
  for (const key of changes) {
    if (asked === "due" ? view.has(key) : asked?.includes(key) === true) continue;
    throw new TypeError(`Entry ${key} is written without having been read: name it in the options' entries`);
  }
}

const toCloudEvent = (
  context: BatchContext<unknown>,
  event: DomainEvent,
  seq: number,
  scope: Scope | undefined,
): CloudEvent => ({
  specversion: "1.0",
  id: `${context.spec.aggregate}:${context.id}:${String(seq)}`,
  source: `/comptoir/${context.spec.aggregate}`,
  type: event.type,
  subject: context.id,
  time: timestamp(context.now),
  datacontenttype: "application/json",
  sequence: seq,
  ...(scope === undefined ? {} : { traceparent: scope.traceparent }),
  data: event.data,
});

/** What the commands made so far, and how the next one is decided on it. */
class Pass<S, X> {
  readonly #context: BatchContext<S>;
  readonly #loaded: Loaded;
  readonly #entries: Map<string, Entry<X>>;
  readonly #changes = new Map<string, StoredEntry | null>();
  readonly #events: CloudEvent[] = [];
  #current: Versioned<S> | null;
  wrote = false;

  constructor(context: BatchContext<S>, loaded: Loaded) {
    this.#context = context;
    this.#loaded = loaded;
    this.#entries = new Map(loaded.entries) as Map<string, Entry<X>>;
    this.#current = loaded.document === null ? null : toVersioned(context.spec, loaded.document);
  }

  /** Null when the command may be decided. */
  refused({ options }: Command<S, X>): Error | null {
    const { now, backlog } = this.#context;
    if (options.deadline !== undefined && options.deadline < now)
      return fail("DEADLINE_EXCEEDED", "The time for this request was over before it began: nothing was done");
    return options.admission === true ? backlog.refuses(this.#loaded.pending, this.#events.length) : null;
  }

  /** How the command will be told. */
  judge({ decide, options, resolve, reject, scope }: Command<S, X>): () => void {
    try {
      const view = seen(this.#entries, options.entries, this.#context.now);
      const verdict = decide(this.#current, view, this.#context.now);
      if (verdict.kind === "refuse") throw toError(verdict.refusal);
      if (verdict.kind === "write") {
        checkEntries(options.entries, view, verdict.entries?.keys() ?? []);
        this.#current = this.#apply(verdict, scope);
      }
      const updated = { result: verdict.result, document: this.#current };
      return () => {
        resolve(updated);
      };
    } catch (error) {
      return () => {
        reject(error);
      };
    }
  }

  #apply(verdict: Extract<Verdict<S, unknown, X>, { kind: "write" }>, scope: Scope | undefined): Versioned<S> {
    const { eventless, name } = this.#context.spec;
    if (eventless === true && verdict.events.length > 0)
      throw new TypeError(`${name} is declared eventless: its events would never be published`);
    let seq = this.#current?.seq ?? 0;
    for (const event of verdict.events) {
      seq += 1;
      this.#events.push(toCloudEvent(this.#context, event, seq, scope));
    }
    for (const [key, entry] of verdict.entries ?? []) {
      this.#changes.set(key, entry);
      if (entry === null) this.#entries.delete(key);
      else this.#entries.set(key, entry);
    }
    this.wrote = true;
    // One version per command, not per batch: an ETag then names exactly the state that its reader was shown.
    return { id: this.#context.id, version: (this.#current?.version ?? 0) + 1, seq, state: verdict.state };
  }

  get made(): readonly CloudEvent[] {
    return this.#events;
  }

  toWrite(): Write | null {
    if (!this.wrote || this.#current === null) return null;
    const { id, version, seq, state } = this.#current;
    const before = this.#loaded.document;
    const { spec, writeId } = this.#context;
    const writes = writeId === null ? [] : remembered(before?.writes ?? [], [version, writeId]);
    return {
      document: { id, version, seq, writes, ...toStored(spec, before, state as Record<string, unknown>) },
      expected: before?.version ?? 0,
      events: this.#events,
      entries: this.#changes,
    };
  }
}

/** Tells nobody yet: what a decision saw may not be durable, even where it needs no write. */
export function decideBatch<S, X>(
  context: BatchContext<S>,
  loaded: Loaded,
  commands: readonly Command<S, X>[],
): Decided<S, X> {
  const pass = new Pass<S, X>(context, loaded);
  const held: Answer<S, X>[] = [];
  for (const command of commands) {
    const refused = pass.refused(command);
    if (refused !== null) {
      command.reject(refused);
      continue;
    }
    const before = pass.made.length;
    const tell = pass.judge(command);
    held.push({ command, events: pass.made.slice(before), tell });
  }
  return { write: pass.toWrite(), held };
}
