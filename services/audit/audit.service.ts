// Audit: checks beside the running shop that what it promises holds.
import { performance } from "node:perf_hooks";
import type { ServiceSchema } from "moleculer";
import type { Config } from "../../core/config.ts";
import { callerOf } from "../../core/context.ts";
import { auditActions } from "../../core/contracts/audit.ts";
import type { Environment } from "../../core/environment.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Call } from "../../core/request.ts";
import { implement } from "../../core/service.ts";
import { showRun } from "./audit.metrics.ts";
import { createAudit, type AuditPolicy } from "./audit.parts.ts";

/** An order's events come within it. */
const GATHER_MS = 300;
/** Above this share of the time the event loop has no room for others. */
const BUSY = 0.5;

/** Shorter than this says nothing. */
const WINDOW_MS = 500;

function busyMeter(clock: Clock): () => boolean {
  let [before, at, isBusy] = [performance.eventLoopUtilization(), clock.now(), false];
  return () => {
    if (clock.now() - at < WINDOW_MS) return isBusy;
    isBusy = performance.eventLoopUtilization(before).utilization > BUSY;
    [before, at] = [performance.eventLoopUtilization(), clock.now()];
    return isBusy;
  };
}

function policyOf({ auditIntervalMs: intervalMs, reservationTtlMs, sagaLeaseMs, cluster }: Config): AuditPolicy {
  return {
    intervalMs,
    reservationTtlMs,
    sagaLeaseMs,
    mayBeginLate: (cluster?.kafka.retentionMs ?? -1) !== -1,
    // In one process every write is taken from the shop; an audit on a node of its own has time.
    gatherMs: cluster === null ? GATHER_MS : 0,
  };
}

export function createService(env: Environment): ServiceSchema {
  const { clock, config } = env;
  let call: Call = () => Promise.reject(new Error("The audit has not been created"));
  let warn = (_text: string): void => undefined;
  const database = env.database("audit");
  const { handlers, auditor, types } = createAudit({
    database,
    call: (action, params) => call(action, params),
    clock,
    policy: policyOf(config),
    isBusy: busyMeter(clock),
    onRun: showRun,
    onError: (check, error) => {
      warn(`The audit of ${check} did not come to its end and is tried again: ${String(error)}`);
    },
  });

  return {
    name: "audit",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: types },
    actions: implement(auditActions, handlers),
    created() {
      call = callerOf(this.broker, "audit");
      warn = text => {
        this.logger.warn(text);
      };
    },
    started() {
      auditor.start();
    },
    stopped: () => auditor.stop(),
  };
}
