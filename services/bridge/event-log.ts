// EventLog: every event once appended, and what each group of subscribers has of it.
// What every adapter promises is in test/contract/event-log.contract.ts.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { FeedListener, Subscription } from "./feed.ts";

export interface DeadLetterQuery {
  readonly subscriber?: string;
  /** The last one of the page before. */
  readonly after?: Pick<DeadLetter, "position" | "subscriber">;
  /** All of them when left out. */
  readonly limit?: number;
}

export interface DeadLetters {
  /** Keeps each event once per subscriber: burying it again changes nothing. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** By position, then subscriber. */
  deadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  unbury(letters: readonly DeadLetter[]): Promise<void>;
}

export interface PastQuery {
  readonly group: string;
  readonly types: readonly string[];
  /** Of the event's time, in ms: from this moment on, and before that one. */
  readonly from: number;
  readonly to: number;
  /** Where an earlier reading stopped. */
  readonly cursor: string | null;
}

export interface Lag {
  readonly feed: string;
  readonly committed: number;
  /** The position of the last event. */
  readonly end: number;
}

export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** All that were ever appended. */
  readonly events: number;
}

export interface EventLog extends DeadLetters {
  /** Durable once it resolves, those of one aggregate in this order. @throws SERVICE_UNAVAILABLE soon when the log is away: then some may be in it */
  append(events: readonly CloudEvent[]): Promise<void>;
  /** From the beginning for a group that is new. The processes of one group share the log's feeds. */
  subscribe(group: string, types: readonly string[], listener: FeedListener): Subscription;
  /**
   * What the group has behind it, in order per aggregate, until `take` says false.
   * @returns where to go on; null at the end
   */
  past(query: PastQuery, take: (events: readonly CloudEvent[]) => Promise<boolean>): Promise<string | null>;
  lag(group: string, types: readonly string[]): Promise<readonly Lag[]>;
  topics(): Promise<readonly Topic[]>;
  /** @throws Error saying in one line why the log cannot be used now */
  check(): Promise<void>;
  /** Never takes longer than a few seconds. */
  close(): Promise<void>;
}
