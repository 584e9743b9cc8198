// A feed: the share of the event log that this process delivers to one subscriber. In one process it is the whole log;
// in a cluster it is one partition, which comes and goes as the bridge's processes share the partitions among them.
import type { CloudEvent } from "../../core/contracts/common.ts";

export interface LogEntry {
  /** Grows along the feed, from 1; may leave gaps. */
  readonly position: number;
  readonly event: CloudEvent;
}

export interface Reading {
  readonly entries: readonly LogEntry[];
  /** There is nothing of these types after the last entry and up to here. */
  readonly upTo: number;
}

/** Once it was closed everything here rejects: another process may have the share by then. */
export interface Feed {
  /** The same for the same share of the log in every process. */
  readonly name: string;
  /** At most `limit` events of these types after the position, in order; those that are here by now. */
  read(after: number, types: readonly string[], limit: number): Promise<Reading>;
  /** What the group has behind it; 0 for a group that is new. */
  committed(): Promise<number>;
  /** Rejects when the share is another's by what its log knows, which this process may not have heard yet. Not beside a commit. */
  confirm(): Promise<void>;
  /** Never goes back: a commit that comes late, from a consumer that was taken over, says nothing new. */
  commit(position: number): Promise<void>;
  /** Whether this event belongs to this share: then nobody else delivers its aggregate. */
  holds(event: CloudEvent): boolean;
}

export interface FeedListener {
  opened(feed: Feed): void;
  /** There may be more to read in it. */
  grew(feed: Feed): void;
  closed(feed: Feed): void;
}

export interface Subscription {
  /** Gives its feeds back. Never rejects, and never takes longer than a few seconds. */
  stop(): Promise<void>;
}
