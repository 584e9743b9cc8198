// What the audit stores: the folds of the log, its findings, and when each check ran.
import type { CheckName, CheckRun, Finding } from "../../core/contracts/audit.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import type { Fold } from "./fold.domain.ts";

export const foldCollection: CollectionSpec<Fold> = {
  name: "folds",
  aggregate: "fold",
  indexes: [{ on: ["broken"] }],
  eventless: true,
  schemaVersion: 1,
};

/** Under an id that follows from check and subject: however many processes look, there is one of each. */
export interface FindingState {
  readonly check: CheckName;
  readonly severity: "critical" | "warning";
  readonly subject: string;
  readonly detail: string;
  readonly expected: string;
  readonly actual: string;
  readonly until: number | null;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly status: "OPEN" | "RESOLVED";
}
export const findingCollection: CollectionSpec<FindingState> = {
  name: "findings",
  aggregate: "audit",
  indexes: [{ on: ["lastSeen"] }, { on: ["status", "lastSeen"] }, { on: ["check", "lastSeen"] }],
  schemaVersion: 1,
};

export const runCollection: CollectionSpec<CheckRun> = {
  name: "runs",
  aggregate: "run",
  indexes: [],
  eventless: true,
  schemaVersion: 1,
};

export const findingView = ({ id, state }: Versioned<FindingState>): Finding => {
  const { check, severity, subject, detail, expected, actual, firstSeen, lastSeen, status } = state;
  return { id, check, severity, subject, detail, expected, actual, firstSeen, lastSeen, status };
};
