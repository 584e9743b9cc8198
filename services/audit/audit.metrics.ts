// The audit's numbers for Prometheus.
import type { CheckRun } from "../../core/contracts/audit.ts";
import { gauge } from "../../core/metrics/registry.ts";

const violations = gauge("comptoir_audit_violations");
const looked = gauge("comptoir_audit_objects");
const duration = gauge("comptoir_audit_duration_seconds");
const failed = gauge("comptoir_audit_failed");
const lastRun = gauge("comptoir_audit_last_run_timestamp_seconds");

export function showRun({ check, finishedAt, durationMs, looked: objects, error }: CheckRun, open: number): void {
  violations.labels({ check }).set(open);
  failed.labels({ check }).set(error === null ? 0 : 1);
  if (finishedAt === null) return;
  looked.labels({ check }).set(objects);
  duration.labels({ check }).set((durationMs ?? 0) / 1_000);
  lastRun.labels({ check }).set(Date.parse(finishedAt) / 1_000);
}
