// A saga's record lives inside its aggregate's document. Pure: what each move makes of it.
import { timestamp } from "../kernel/clock.ts";
import type { ErrorCode } from "../kernel/errors.ts";

export interface SagaCause {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly sku?: string;
}

export interface StepLog {
  /** RFC 3339. */
  readonly at: string;
  /** A step's name, or TAKEN_OVER. */
  readonly step: string;
  readonly direction: "FORWARD" | "UNDO";
  readonly attempt: number;
  /** done, unknown, or the refusal's code. */
  readonly outcome: string;
  readonly detail: string | null;
}

export interface SagaRecord {
  /** Turns once, from forward to undo, and is saved before the first compensation. */
  readonly direction: "forward" | "undo";
  /** Index of the step to go on with: everything before it (undo: after it) is known to be done. */
  readonly cursor: number;
  /** Unknown outcomes of the step at the cursor, in a row. */
  readonly attempt: number;
  /** The pivot's call may have been made: from here on only its definite refusal turns the saga. */
  readonly pivotIntended: boolean;
  readonly cause: SagaCause | null;
  /** Fencing token: every save is conditional on it, and whoever takes the saga over raises it. */
  readonly token: number;
  /** Ms since the epoch when another node may take over; null once it has ended. */
  readonly dueAt: number | null;
  readonly log: readonly StepLog[];
}

/** `cursor` is where the saga goes on from. */
export type Move = { readonly cursor: number } & (
  | { readonly type: "intend" | "end" }
  | { readonly type: "turn"; readonly cause: SagaCause }
  | { readonly type: "retry"; readonly resumeAt: number }
  /** Its process stops: another one goes on at once. */
  | { readonly type: "handOver" }
);

export const startSaga = (now: number, leaseMs: number): SagaRecord => ({
  direction: "forward",
  cursor: 0,
  attempt: 0,
  pivotIntended: false,
  cause: null,
  token: 1,
  dueAt: now + leaseMs,
  log: [],
});

/** A saga that never has to run: its aggregate was final when it was made. */
export const endedSaga = (cause: SagaCause | null): SagaRecord => ({
  ...startSaga(0, 0),
  direction: cause === null ? "forward" : "undo",
  cause,
  dueAt: null,
});

/** What the log calls it when another process goes on with a saga. */
export const TAKEN_OVER = "takeOver";

/** Null while somebody else's lease runs or the saga has ended. */
export function takeOver(record: SagaRecord, now: number, leaseMs: number): SagaRecord | null {
  if (record.dueAt === null || record.dueAt > now) return null;
  const entry: StepLog = {
    at: timestamp(now),
    step: TAKEN_OVER,
    direction: record.direction === "forward" ? "FORWARD" : "UNDO",
    attempt: record.token,
    outcome: "done",
    detail: `The lease of the process before ended at ${timestamp(record.dueAt)}`,
  };
  return { ...record, token: record.token + 1, dueAt: now + leaseMs, log: [...record.log, entry] };
}

/** Past this many entries, further unknown answers of one step are counted in its last entry instead of listed. */
const LISTED = 100;

function appended(log: readonly StepLog[], more: readonly StepLog[]): StepLog[] {
  const all = [...log];
  for (const entry of more) {
    const last = all.at(-1);
    const again = last?.outcome === "unknown" && entry.outcome === "unknown" && last.step === entry.step;
    if (again && all.length >= LISTED) all.pop();
    all.push(entry);
  }
  return all;
}

/** Every move but the hand-over renews the lease: `leaseMs` from now, or from the moment a retry waits for. */
export function advance(
  record: SagaRecord,
  move: Move,
  log: readonly StepLog[],
  { now, leaseMs }: { now: number; leaseMs: number },
): SagaRecord {
  const next = { ...record, cursor: move.cursor, attempt: 0, log: appended(record.log, log), dueAt: now + leaseMs };
  switch (move.type) {
    case "intend":
      return { ...next, pivotIntended: true };
    case "turn":
      return { ...next, direction: "undo", cause: move.cause };
    case "retry":
      return {
        ...next,
        attempt: move.cursor === record.cursor ? record.attempt + 1 : 1,
        dueAt: move.resumeAt + leaseMs,
      };
    case "handOver":
      return { ...next, attempt: move.cursor === record.cursor ? record.attempt : 0, dueAt: now };
    case "end":
      return { ...next, dueAt: null };
  }
}
