// The audit's numbers for Prometheus.
import { Gauge } from "prom-client";
import type { CheckRun } from "../../core/contracts/audit.ts";

const labelNames = ["check"];
const violations = new Gauge({ name: "comptoir_audit_violations", help: "Open findings", labelNames });
const looked = new Gauge({ name: "comptoir_audit_objects", help: "Objects looked at in the last run", labelNames });
const duration = new Gauge({ name: "comptoir_audit_duration_seconds", help: "How long the last run took", labelNames });
const failed = new Gauge({
  name: "comptoir_audit_failed",
  help: "1 when the last attempt of a check did not come to its end",
  labelNames,
});
const lastRun = new Gauge({
  name: "comptoir_audit_last_run_timestamp_seconds",
  help: "When the last run ended; its age is time() minus this",
  labelNames,
});

export function showRun({ check, finishedAt, durationMs, looked: objects, error }: CheckRun, open: number): void {
  violations.set({ check }, open);
  failed.set({ check }, error === null ? 0 : 1);
  if (finishedAt === null) return;
  looked.set({ check }, objects);
  duration.set({ check }, (durationMs ?? 0) / 1_000);
  lastRun.set({ check }, Date.parse(finishedAt) / 1_000);
}
