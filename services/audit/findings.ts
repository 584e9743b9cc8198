// The findings: opened once, seen again, resolved; each change is an event.
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { deriveId } from "../../core/derive-id.ts";
import type { CheckName } from "../../core/contracts/audit.ts";
import { keep, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import type { FindingState } from "./audit.schema.ts";
import type { Violation } from "./violation.ts";

/** Looked at again each round; more of one check say nothing new. */
const MOST = 500;

export type Findings = ReturnType<typeof createFindings>;

export const findingIdOf = (check: CheckName, subject: string): string => deriveId("finding", check, subject);

export function createFindings(findings: DocumentStore<FindingState>, clock: Clock) {
  const now = (): string => timestamp(clock.now());

  return {
    /** Whoever is first makes the event; others only say when it was last seen. */
    async report(found: Violation): Promise<void> {
      const { graceMs: _, ...seen } = found;
      const id = findingIdOf(found.check, found.subject);
      await findings.update(id, current => {
        const lastSeen = now();
        if (current?.state.status === "OPEN") return write({ ...current.state, ...seen, lastSeen }, [], null);
        const { until: __, ...told } = seen;
        const state: FindingState = { ...seen, firstSeen: lastSeen, lastSeen, status: "OPEN" };
        return write(state, [{ type: "audit.violation.v1", data: { id, ...told, firstSeen: lastSeen } }], null);
      });
    },

    async resolve(id: string): Promise<void> {
      await findings.update(id, current => {
        if (current?.state.status !== "OPEN") return keep(null);
        const { check, subject } = current.state;
        const resolved = { type: "audit.resolved.v1", data: { id, check, subject, resolvedAt: now() } } as const;
        return write({ ...current.state, status: "RESOLVED" }, [resolved], null);
      });
    },

    /** The newest of those that are open. */
    async open(check: CheckName): Promise<readonly Versioned<FindingState>[]> {
      const where = { check, status: "OPEN" };
      return (await findings.list({ where, orderBy: "lastSeen", direction: "desc", limit: MOST })).items;
    },
  };
}
