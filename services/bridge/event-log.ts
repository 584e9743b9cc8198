// EventLog: one ordered sequence of events that is only ever appended to, and how far each group has come in it.
// In Kafka it is one partition; here the whole log. What every adapter promises is in test/contract/event-log.contract.ts.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";

export interface LogEntry {
  /** Grows along the log, from 1; may leave gaps. */
  readonly position: number;
  readonly event: CloudEvent;
}

export interface Reading {
  readonly entries: readonly LogEntry[];
  /** There is nothing of these types after the last entry and up to here. */
  readonly upTo: number;
}

export interface DeadLetterQuery {
  readonly subscriber?: string;
  /** The last one of the page before. */
  readonly after?: Pick<DeadLetter, "position" | "subscriber">;
  readonly limit: number;
}

export interface EventLog {
  /** All or none, in this order; durable once it resolves. */
  append(events: readonly CloudEvent[]): Promise<void>;
  /** At most `limit` events of these types after the position, in order. */
  read(after: number, types: readonly string[], limit: number): Promise<Reading>;
  /** What the group has behind it; 0 for a group that is new. */
  committed(group: string): Promise<number>;
  /** Never goes back: a commit that comes late, from a consumer that was taken over, says nothing new. */
  commit(group: string, position: number): Promise<void>;
  /** Keeps each event once per subscriber: burying it again changes nothing. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** By position, then subscriber. */
  deadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  unbury(subscriber: string, eventIds: readonly string[]): Promise<void>;
  close(): void;
}
