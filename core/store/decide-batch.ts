// Decides the commands of one document one after another in memory, each seeing what the ones before it made.
import { fail, toError } from "../errors.ts";
import type { CloudEvent } from "../contracts/common.ts";
import type { DomainEvent } from "../contracts/index.ts";
import { timestamp } from "../kernel/clock.ts";
import type { Backlog } from "./backlog.ts";
import { toVersioned } from "./documents.ts";
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
}

/** What a command will be told, once the state it was decided on is durable. */
export interface Answer<S, X> {
  readonly command: Command<S, X>;
  readonly tell: () => void;
}

export interface Decided<S, X> {
  readonly write: Write | null;
  /** Wait for the write: also the refusals that saw what is not written yet. */
  readonly held: readonly Answer<S, X>[];
}

export interface BatchContext<S> {
  readonly spec: CollectionSpec<S>;
  readonly backlog: Backlog;
  readonly id: string;
  readonly writeId: string;
  readonly now: number;
}

/** A ring of this many batches; whoever finds more than these after an unknown outcome cannot tell. */
export const REMEMBERED_WRITES = 16;

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

const toCloudEvent = (context: BatchContext<unknown>, event: DomainEvent, seq: number): CloudEvent => ({
  specversion: "1.0",
  id: `${context.spec.aggregate}:${context.id}:${String(seq)}`,
  source: `/comptoir/${context.spec.aggregate}`,
  type: event.type,
  subject: context.id,
  time: timestamp(context.now),
  datacontenttype: "application/json",
  sequence: seq,
  data: event.data,
});

/** What the commands made so far, and how the next one is decided on it. */
function createPass<S, X>(context: BatchContext<S>, loaded: Loaded) {
  const { id, now } = context;
  const entries = new Map(loaded.entries) as Map<string, Entry<X>>;
  const changes = new Map<string, StoredEntry | null>();
  const events: CloudEvent[] = [];
  let current: Versioned<S> | null = loaded.document === null ? null : toVersioned(context.spec, loaded.document);
  let wrote = false;

  function apply(verdict: Extract<Verdict<S, unknown, X>, { kind: "write" }>): Versioned<S> {
    let seq = current?.seq ?? 0;
    for (const event of verdict.events) {
      seq += 1;
      events.push(toCloudEvent(context, event, seq));
    }
    for (const [key, entry] of verdict.entries ?? []) {
      changes.set(key, entry);
      if (entry === null) entries.delete(key);
      else entries.set(key, entry);
    }
    wrote = true;
    // One version per command, not per batch: an ETag then names exactly the state that its reader was shown.
    return { id, version: (current?.version ?? 0) + 1, seq, state: verdict.state };
  }

  function judge({ decide, options, resolve, reject }: Command<S, X>): () => void {
    try {
      const view = seen(entries, options.entries, now);
      const verdict = decide(current, view, now);
      if (verdict.kind === "refuse") {
        const error = toError(verdict.refusal);
        return () => {
          reject(error);
        };
      }
      if (verdict.kind === "write") {
        checkEntries(options.entries, view, verdict.entries?.keys() ?? []);
        current = apply(verdict);
      }
      const updated = { result: verdict.result, document: current };
      return () => {
        resolve(updated);
      };
    } catch (error) {
      return () => {
        reject(error);
      };
    }
  }

  /** Null when it may be decided. */
  function dropped({ options }: Command<S, X>): Error | null {
    if (options.deadline !== undefined && options.deadline < now)
      return fail("DEADLINE_EXCEEDED", "The time for this request was over before it began: nothing was done");
    return options.admission === true ? context.backlog.refuses(loaded.pending, events.length) : null;
  }

  function toWrite(): Write | null {
    if (!wrote || current === null) return null;
    const { version, seq, state } = current;
    const mark: WriteMark = [version, context.writeId];
    const writes = [...(loaded.document?.writes ?? []), mark].slice(-REMEMBERED_WRITES);
    const { schemaVersion } = context.spec;
    return {
      document: { id, version, seq, schemaVersion, writes, state: state as Record<string, unknown> },
      expected: loaded.document?.version ?? 0,
      events,
      entries: changes,
    };
  }

  return { judge, dropped, toWrite, hasWritten: () => wrote };
}

/** Tells at once those whose answer needs no write. */
export function decideBatch<S, X>(
  context: BatchContext<S>,
  loaded: Loaded,
  commands: readonly Command<S, X>[],
): Decided<S, X> {
  const pass = createPass<S, X>(context, loaded);
  const held: Answer<S, X>[] = [];
  for (const command of commands) {
    const reason = pass.dropped(command);
    if (reason !== null) {
      command.reject(reason);
      continue;
    }
    const tell = pass.judge(command);
    if (pass.hasWritten()) held.push({ command, tell });
    else tell();
  }
  return { write: pass.toWrite(), held };
}
