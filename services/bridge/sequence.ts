// An event log that is one ordered sequence with one process: each group has one feed, which is all of it.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { DeadLetters, EventLog, PastQuery } from "./event-log.ts";
import type { Feed, FeedListener, Reading } from "./feed.ts";

export interface Sequence extends DeadLetters {
  /** All or none, in this order; durable once it resolves. */
  append(events: readonly CloudEvent[]): Promise<void>;
  /** At most `limit` events of these types after the position, in order. */
  read(after: number, types: readonly string[], limit: number): Promise<Reading>;
  committed(group: string): Promise<number>;
  commit(group: string, position: number): Promise<void>;
  /** The position of the last event. */
  end(): Promise<number>;
  close(): void;
}

const FEED = "log";
const PAGE = 200;

const feedOf = (sequence: Sequence, group: string): Feed => ({
  name: FEED,
  read: (after, types, limit) => sequence.read(after, types, limit),
  committed: () => sequence.committed(group),
  // Nobody else has it.
  confirm: () => Promise.resolve(),
  commit: position => sequence.commit(group, position),
  holds: () => true,
});

async function readPast(
  sequence: Sequence,
  { group, types, from, to, cursor }: PastQuery,
  take: (events: readonly CloudEvent[]) => Promise<boolean>,
): Promise<string | null> {
  const end = await sequence.committed(group);
  for (let position = Number(cursor ?? 0); position < end;) {
    const { entries, upTo } = await sequence.read(position, types, PAGE);
    const events = entries
      .filter(({ position: at, event }) => at <= end && Date.parse(event.time) >= from && Date.parse(event.time) < to)
      .map(({ event }) => event);
    position = upTo;
    if (events.length > 0 && !(await take(events))) return position < end ? String(position) : null;
  }
  return null;
}

export function sequenceLog(sequence: Sequence): EventLog {
  const feeds = new Map<Feed, FeedListener>();
  return {
    async append(events) {
      await sequence.append(events);
      for (const [feed, listener] of feeds) listener.grew(feed);
    },
    subscribe(group, _types, listener) {
      const feed = feedOf(sequence, group);
      feeds.set(feed, listener);
      listener.opened(feed);
      return {
        stop() {
          if (feeds.delete(feed)) listener.closed(feed);
          return Promise.resolve();
        },
      };
    },
    past: (query, take) => readPast(sequence, query, take),
    async lag(group) {
      return [{ feed: FEED, committed: await sequence.committed(group), end: await sequence.end() }];
    },
    async topics() {
      return [{ name: FEED, partitions: 1, events: await sequence.end() }];
    },
    bury: letters => sequence.bury(letters),
    deadLetters: query => sequence.deadLetters(query),
    unbury: letters => sequence.unbury(letters),
    check: () => Promise.resolve(),
    close() {
      sequence.close();
      return Promise.resolve();
    },
  };
}
