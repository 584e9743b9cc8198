// The audit put together on a database, without a broker.
import { checkNames, type auditActions, type CheckName, type CheckRun } from "../../core/contracts/audit.ts";
import { events as contracts, type EventType } from "../../core/contracts/index.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { listPage } from "../../core/paging.ts";
import type { Call } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { Database } from "../../core/store/port.ts";
import { Auditor } from "./auditor.ts";
import { findingCollection, findingView, foldCollection, runCollection } from "./audit.schema.ts";
import { chargesCheck } from "./charges.check.ts";
import type { CheckTools } from "./check.ts";
import { eventsCheck } from "./events.check.ts";
import { createFindings } from "./findings.ts";
import { takeEvents } from "./folding.ts";
import { invoicesCheck } from "./invoices.check.ts";
import { numbersCheck } from "./numbers.check.ts";
import { overdueCheck } from "./overdue.check.ts";
import { createProgress } from "./progress.ts";
import { stockCheck } from "./stock.check.ts";
import { Suspects } from "./suspects.ts";

export interface AuditPolicy {
  /** Milliseconds, as all here. */
  readonly intervalMs: number;
  readonly reservationTtlMs: number;
  readonly sagaLeaseMs: number;
  /** The log forgets: an aggregate that is new to the audit may begin later than 1. */
  readonly mayBeginLate: boolean;
  /** A small delivery is answered so much later: what comes meanwhile is taken together, and costs fewer writes. */
  readonly gatherMs: number;
}

interface Parts {
  readonly database: Database;
  readonly call: Call;
  readonly clock: Clock;
  readonly policy: AuditPolicy;
  readonly isBusy: () => boolean;
  readonly onRun: (run: CheckRun, open: number) => void;
  readonly onError: (check: CheckName | "suspects", error: unknown) => void;
}

/** For a process that is slow, or a clock that is off. */
const MARGIN_MS = 60_000;
const SWEEPS_MS = 30_000;
/** Events of a delivery: below it the log has no more to give just now. */
const SMALL = 100;

function checksOf(
  tools: CheckTools,
  { sagaLeaseMs, reservationTtlMs }: AuditPolicy,
  parts: Parameters<typeof eventsCheck>[1],
) {
  const patience = {
    saga: SWEEPS_MS,
    pending: reservationTtlMs + sagaLeaseMs + MARGIN_MS,
    billing: MARGIN_MS,
  };
  return [
    stockCheck(tools),
    chargesCheck(tools, sagaLeaseMs + MARGIN_MS),
    invoicesCheck(tools),
    numbersCheck(tools),
    overdueCheck(tools, patience),
    eventsCheck(tools, parts),
  ];
}

export function createAudit({ database, call, clock, policy, ...rest }: Parts) {
  const folds = database.collection(foldCollection);
  const stored = database.collection(findingCollection);
  const runs = database.collection(runCollection);
  const findings = createFindings(stored, clock);
  const progress = createProgress(call, clock);
  const checks = checksOf({ call, folds, clock }, policy, progress);
  const suspects = new Suspects({ checks, findings, progress, clock });
  const auditor = new Auditor({ checks, suspects, findings, runs, clock, intervalMs: policy.intervalMs, ...rest });

  const handlers: HandlersOf<typeof auditActions> = {
    "v1.audit.list": async ({ status, check, ...page }) => {
      const where = { ...(status === undefined ? {} : { status }), ...(check === undefined ? {} : { check }) };
      const query = { where, orderBy: "lastSeen", direction: "desc" } as const;
      const [listed, known] = await Promise.all([
        listPage(stored, query, page, findingView),
        runs.loadMany([...checkNames]),
      ]);
      return { ...listed, checks: known.map(({ state }) => state) };
    },
    "v1.audit.react": async ({ events }) => {
      const taken = await takeEvents(folds, events, policy.mayBeginLate);
      if (events.length < SMALL) await clock.sleep(policy.gatherMs);
      return taken;
    },
    /** Nothing is parked: an event that cannot be taken is asked again. */
    "v1.audit.park": () => Promise.resolve({}),
  };
  return { handlers, auditor, checks, types: Object.keys(contracts) as EventType[] };
}
