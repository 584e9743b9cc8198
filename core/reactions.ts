// The subscriber's half of event delivery: what `v1.<service>.react` and `.park` do. Delivery is at least once and in
// order per aggregate; each reaction must therefore change nothing when an event comes again.
import type { CloudEvent } from "./contracts/common.ts";
import type { EventData, EventType } from "./contracts/index.ts";
import type { Outcome } from "./contracts/reactions.ts";
import { codeOf } from "./errors.ts";
import type { Request } from "./request.ts";
import { keep, write, type CollectionSpec, type DocumentStore } from "./store/port.ts";

export interface Delivered<T extends EventType> {
  readonly type: T;
  readonly data: EventData<T>;
  /** "<aggregate>:<id>:<seq>", the same at every delivery. */
  readonly id: string;
  /** The aggregate's id. */
  readonly subject: string;
  readonly seq: number;
  readonly time: string;
}
export type Reaction<T extends EventType> = (event: Delivered<T>, request: Request) => Promise<void>;
export type Reactions = { readonly [T in EventType]?: Reaction<T> };

/** One document per parked aggregate; none for the others. */
export interface Inbox {
  readonly parkedFrom: number | null;
}
export const inboxCollection: CollectionSpec<Inbox> = {
  name: "inbox",
  aggregate: "inbox",
  indexes: [],
  schemaVersion: 1,
};

/** "order:42" of an event about order 42: ids of different aggregates may be equal. */
export const aggregateOf = (event: Pick<CloudEvent, "source" | "subject">): string =>
  `${event.source.replace(/^.*\//, "")}:${event.subject}`;

/** The other side is away or busy: the event is not to blame, however often it fails. */
const isTransient = (error: unknown): boolean =>
  error instanceof Error && "retryable" in error && error.retryable === true;

function failed({ id }: CloudEvent, error: unknown): Outcome {
  const text = `${codeOf(error) ?? "ERROR"}: ${error instanceof Error ? error.message : String(error)}`;
  return { id, outcome: "failed", error: text, ...(isTransient(error) ? { transient: true } : {}) };
}

async function reactTo(reactions: Reactions, event: CloudEvent, request: Request): Promise<Outcome> {
  const type = event.type as EventType;
  const reaction = reactions[type] as Reaction<EventType> | undefined;
  const { id, subject, sequence: seq, time } = event;
  try {
    await reaction?.({ type, data: event.data as EventData<EventType>, id, subject, seq, time }, request);
    return { id, outcome: "done" };
  } catch (error) {
    return failed(event, error);
  }
}

/** In order; after a failure the rest of this aggregate waits, so that nothing overtakes. */
async function reactInOrder(
  reactions: Reactions,
  events: readonly CloudEvent[],
  parkedFrom: number,
  request: Request,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let blocked = false;
  for (const event of events) {
    if (blocked) outcomes.push(failed(event, "waits behind an event that failed"));
    else if (event.sequence >= parkedFrom) outcomes.push({ id: event.id, outcome: "parked" });
    else outcomes.push(await reactTo(reactions, event, request));
    blocked ||= outcomes.at(-1)?.outcome === "failed";
  }
  return outcomes;
}

export function subscriber(reactions: Reactions, inbox: DocumentStore<Inbox>) {
  return {
    /** The event types this service declares in its metadata. */
    types: Object.keys(reactions) as EventType[],

    async react(
      params: { events: CloudEvent[]; replay?: boolean },
      request: Request,
    ): Promise<{ outcomes: Outcome[] }> {
      const groups = [...Map.groupBy(params.events, aggregateOf)];
      const marks = params.replay === true ? [] : await inbox.loadMany(groups.map(([aggregate]) => aggregate));
      const parked = new Map(marks.map(({ id, state }) => [id, state.parkedFrom ?? Infinity]));
      const outcomes = await Promise.all(
        groups.map(([aggregate, events]) =>
          reactInOrder(reactions, events, parked.get(aggregate) ?? Infinity, request),
        ),
      );
      return { outcomes: outcomes.flat() };
    },

    /** `subject` is `aggregateOf(event)`. An earlier mark stays; null takes it away. */
    async park(params: { subject: string; from: number | null }): Promise<Record<string, never>> {
      await inbox.update(params.subject, current => {
        const marked = current?.state.parkedFrom ?? null;
        const parkedFrom = params.from === null ? null : Math.min(marked ?? params.from, params.from);
        return parkedFrom === marked ? keep({}) : write({ parkedFrom }, [], {});
      });
      return {};
    },
  };
}
