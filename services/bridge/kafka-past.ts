// What a group took in a range of time, read from the log again.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { PastQuery } from "./event-log.ts";
import { eventOf } from "./kafka-message.ts";
import type { Span, Take } from "./kafka-scan.ts";

/** An event is appended after its time, by clocks that differ a little. */
const SKEW_MS = 60_000;
const PAGE = 200;

type Offsets = ReadonlyMap<string, ReadonlyMap<number, number>>;

export interface PastSources {
  /** Per topic and partition, the first that was appended then or later. */
  readonly offsetsAt: (time: number) => Promise<Offsets>;
  readonly committed: () => Promise<Offsets>;
  readonly scan: (spans: readonly Span[], take: Take) => Promise<void>;
  readonly take: (events: readonly CloudEvent[]) => Promise<boolean>;
}

/** What is left, as [topic, partition, from, to]: an end is kept, so that what arrives meanwhile is not of the range. */
type Cursor = readonly (readonly [string, number, number, number])[];

async function spansOf({ from, cursor }: PastQuery, topics: readonly string[], sources: PastSources): Promise<Span[]> {
  if (cursor !== null) {
    const left = JSON.parse(cursor) as Cursor;
    return left.map(([topic, partition, begin, to]) => ({ topic, partition, from: begin, to }));
  }
  const [begins, ends] = await Promise.all([sources.offsetsAt(Math.max(0, from - SKEW_MS)), sources.committed()]);
  return topics.flatMap(topic =>
    [...(ends.get(topic) ?? [])].map(([partition, to]) => ({
      ...{ topic, partition, to },
      from: begins.get(topic)?.get(partition) ?? 0,
    })),
  );
}

export async function readPast(
  query: PastQuery,
  topics: readonly string[],
  sources: PastSources,
): Promise<string | null> {
  const wanted = new Set(query.types);
  const isIn = (event: CloudEvent): boolean => {
    const time = Date.parse(event.time);
    return wanted.has(event.type) && time >= query.from && time < query.to;
  };
  const spans = (await spansOf(query, topics, sources)).filter(({ from, to }) => from < to);
  const left = new Map(spans.map(span => [`${span.topic}/${String(span.partition)}`, span]));
  const state = { goesOn: true };
  await sources.scan(spans, async (topic, partition, messages) => {
    const key = `${topic}/${String(partition)}`;
    for (let at = 0; state.goesOn && at < messages.length; at += PAGE) {
      const page = messages.slice(at, at + PAGE);
      const events = page.map(eventOf).filter(event => event !== null && isIn(event)) as CloudEvent[];
      if (events.length > 0) state.goesOn = await sources.take(events);
      const span = left.get(key);
      if (span !== undefined) left.set(key, { ...span, from: (page.at(-1)?.offset ?? 0) + 1 });
    }
    return state.goesOn;
  });
  if (state.goesOn) return null;
  const rest = [...left.values()].filter(({ from, to }) => from < to);
  const cursor: Cursor = rest.map(({ topic, partition, from, to }) => [topic, partition, from, to]);
  return cursor.length === 0 ? null : JSON.stringify(cursor);
}
