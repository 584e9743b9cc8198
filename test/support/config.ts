// The settings of a shop that a test puts together itself.
import type { Config } from "../../core/config.ts";

export const testConfig = {
  mode: "embedded",
  namespace: "test",
  cluster: null,
  http: { host: "127.0.0.1", port: 0 },
  opsPort: 0,
  data: "",
  admin: { email: "admin@comptoir.local", password: null },
  rateLimit: 0,
  trustedProxies: 0,
  durability: "process",
  reservationTtlMs: 900_000,
  sagaLeaseMs: 10_000,
  retentionMs: 86_400_000,
  outboxBound: 1000,
  lowStock: 10,
  auditIntervalMs: 20_000,
  services: [],
  metrics: true,
  logLevel: "error",
  tracing: { exporter: "none", url: "", ratio: 0, slowMs: 1_000, serviceName: null },
} as const satisfies Config;
