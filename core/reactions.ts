// The subscriber's half of event delivery: what `v1.<service>.react` and `.park` do. Delivery is at least once and in
// order per aggregate; each reaction must therefore change nothing when an event comes again.
import type { CloudEvent } from "./contracts/common.ts";
import type { EventData, EventType } from "./contracts/index.ts";
import type { Outcome } from "./contracts/reactions.ts";
import { codeOf } from "./errors.ts";
import type { Request } from "./request.ts";
import { keep, write, type CollectionSpec, type DocumentStore } from "./store/port.ts";
import { inTraceOf } from "./tracing/events.ts";

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

/** A faster way for the events of one aggregate that come in one delivery, in order; their reactions do the same singly. */
export interface Together {
  readonly types: ReadonlySet<EventType>;
  readonly take: (events: readonly Delivered<EventType>[], request: Request) => Promise<void>;
}

/** One document per parked aggregate; none for the others. */
export interface Inbox {
  readonly parkedFrom: number | null;
}
export const inboxCollection: CollectionSpec<Inbox> = {
  name: "inbox",
  aggregate: "inbox",
  indexes: [{ on: ["parkedFrom"] }],
  eventless: true,
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

const deliveredOf = ({ id, type, data, subject, sequence: seq, time }: CloudEvent): Delivered<EventType> => ({
  type: type as EventType,
  data: data as EventData<EventType>,
  id,
  subject,
  seq,
  time,
});

async function reactTo(reactions: Reactions, event: CloudEvent, request: Request): Promise<Outcome> {
  const reaction = reactions[event.type as EventType] as Reaction<EventType> | undefined;
  if (reaction === undefined) return { id: event.id, outcome: "done" };
  try {
    await inTraceOf([event], () => reaction(deliveredOf(event), request));
    return { id: event.id, outcome: "done" };
  } catch (error) {
    return failed(event, error);
  }
}

/** Null when they must be taken one by one. */
async function reactTogether(
  { types, take }: Together,
  events: readonly CloudEvent[],
  request: Request,
): Promise<Outcome[] | null> {
  if (events.length === 1 || !events.every(event => types.has(event.type as EventType))) return null;
  try {
    await inTraceOf(events, () => take(events.map(deliveredOf), request));
    return events.map(({ id }) => ({ id, outcome: "done" }));
  } catch {
    // One by one tells which of them it was.
    return null;
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

/** From which sequence each of them is parked. Hardly ever is anything parked at all, and one question tells. */
async function parkedAmong(inbox: DocumentStore<Inbox>, aggregates: readonly string[]): Promise<Map<string, number>> {
  const anything = { where: { parkedFrom: { gte: 0 } }, orderBy: "parkedFrom", limit: 1 };
  if ((await inbox.list(anything)).items.length === 0) return new Map();
  const marks = await inbox.loadMany(aggregates);
  return new Map(marks.map(({ id, state }) => [id, state.parkedFrom ?? Infinity]));
}

export function subscriber(reactions: Reactions, inbox: DocumentStore<Inbox>, together?: Together) {
  async function reactToAll(events: readonly CloudEvent[], parkedFrom: number, request: Request): Promise<Outcome[]> {
    const isFree = parkedFrom === Infinity && together !== undefined;
    const outcomes = isFree ? await reactTogether(together, events, request) : null;
    return outcomes ?? reactInOrder(reactions, events, parkedFrom, request);
  }

  return {
    /** The event types this service declares in its metadata. */
    types: Object.keys(reactions) as EventType[],

    async react(
      params: { events: CloudEvent[]; replay?: boolean },
      request: Request,
    ): Promise<{ outcomes: Outcome[] }> {
      const groups = [...Map.groupBy(params.events, aggregateOf)];
      const aggregates = params.replay === true ? [] : groups.map(([aggregate]) => aggregate);
      const parked = await parkedAmong(inbox, aggregates);
      const outcomes = await Promise.all(
        groups.map(([aggregate, events]) => reactToAll(events, parked.get(aggregate) ?? Infinity, request)),
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
