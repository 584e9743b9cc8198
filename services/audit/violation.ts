// A broken invariant, as a check says it.
import type { CheckName } from "../../core/contracts/audit.ts";

export interface Violation {
  readonly check: CheckName;
  readonly severity: "critical" | "warning";
  /** "<kind>:<id>", unique within the check. */
  readonly subject: string;
  readonly detail: string;
  readonly expected: string;
  readonly actual: string;
  /** Milliseconds after which what is only on its way must have arrived. */
  readonly graceMs: number;
  /** The event number that the first look waits for; null when the second look is about nothing but the state. */
  readonly until: number | null;
}

type Said = Pick<Violation, "check" | "subject" | "detail" | "expected" | "actual"> & Partial<Violation>;

/** A second look comes at the earliest after this. */
export const SECOND_LOOK_MS = 5_000;

export const violation = (said: Said): Violation => ({
  severity: "critical",
  graceMs: SECOND_LOOK_MS,
  until: null,
  ...said,
});

/** "order:42" → ["order", "42"]. */
export function partsOf(subject: string): [kind: string, id: string] {
  const at = subject.indexOf(":");
  return [subject.slice(0, at), subject.slice(at + 1)];
}
