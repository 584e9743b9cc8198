// The events of documents, which lie in the documents themselves until they are published.
import type { Collection } from "mongodb";
import type { CloudEvent } from "../contracts/common.ts";
import type { Acknowledgement } from "./driver.ts";
import { OUTBOX_INDEX } from "./mongo-indexes.ts";
import { encode, toEvent, type DocumentRow, type OutboxEvent } from "./mongo-rows.ts";

type Documents = () => Collection<DocumentRow>;
type OutboxRow = Pick<DocumentRow, "_id" | "seq" | "outbox">;

/** Positions in the order of time, later ones of one process after its earlier ones. */
export class Positions {
  readonly #now: () => number;
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  stamp(events: readonly CloudEvent[]): OutboxEvent[] {
    return events.map(event => {
      this.#last = Math.max(this.#last + 1, this.#now() * 1_000);
      return { seq: event.sequence, at: this.#last, event: encode(event) };
    });
  }
}

/** By position, and in order per document even where the clocks of its writers were not. */
function inOrder(rows: readonly OutboxRow[]): CloudEvent[] {
  const placed = rows.flatMap(({ outbox = [] }) => {
    let last = 0;
    return outbox.map(event => ({ event, at: (last = Math.max(last, event.at)) }));
  });
  return placed.sort((one, other) => one.at - other.at).map(({ event }) => toEvent(event));
}

const hasEvents = { "outbox.0": { $exists: true } };
const withAtMost = (events: number) => ({ projection: { seq: 1, outbox: { $slice: events } } });

/** The index answers this in its own order; the filter is for servers that have no such index. */
export async function pending(documents: Documents, limit: number, parked: ReadonlySet<string>): Promise<CloudEvent[]> {
  const rows = await documents()
    .find({ ...hasEvents, ...(parked.size === 0 ? {} : { _id: { $nin: [...parked] } }) }, withAtMost(limit))
    .sort({ "outbox.at": 1 })
    .hint(OUTBOX_INDEX)
    .limit(limit)
    .toArray();
  return inOrder(rows).slice(0, limit);
}

export async function pendingOf(documents: Documents, ids: readonly string[], limit: number): Promise<CloudEvent[]> {
  if (ids.length === 0) return [];
  const rows = await documents()
    .find({ _id: { $in: [...ids] }, ...hasEvents }, withAtMost(limit))
    .toArray();
  return inOrder(rows).slice(0, limit);
}

/** Without a new version: nothing that a writer read or set changes, so it disturbs none. */
export async function acknowledge(documents: Documents, acknowledgements: readonly Acknowledgement[]): Promise<number> {
  const last = new Map<string, number>();
  for (const { id, seq } of acknowledgements) last.set(id, Math.max(seq, last.get(id) ?? 0));
  const rows = await documents()
    .find({ _id: { $in: [...last.keys()] }, ...hasEvents }, withAtMost(1))
    .toArray();
  const taken = rows.flatMap(({ _id, seq, outbox = [] }) => {
    const [oldest] = outbox;
    const end = Math.min(last.get(_id) ?? 0, seq);
    return oldest === undefined || oldest.seq > end ? [] : [{ _id, end, events: end - oldest.seq + 1 }];
  });
  if (taken.length === 0) return 0;
  await documents().bulkWrite(
    taken.map(({ _id, end }) => ({
      updateOne: {
        filter: { _id, "outbox.seq": { $lte: end } },
        update: { $pull: { outbox: { seq: { $lte: end } } } },
      },
    })),
    { ordered: false },
  );
  return taken.reduce((sum, { events }) => sum + events, 0);
}

export async function pendingCount(documents: Documents): Promise<number> {
  const [counted] = await documents()
    .aggregate<{ events: number }>([
      { $match: { "outbox.at": { $gt: 0 } } },
      { $group: { _id: null, events: { $sum: { $size: "$outbox" } } } },
    ])
    .toArray();
  return counted?.events ?? 0;
}
