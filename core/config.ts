// The only file that reads the environment.
import { resolve } from "node:path";
import { clusterOf, clusterVariables, type ClusterConfig } from "./config-cluster.ts";
import { tracingOf, type TracingConfig } from "./config-tracing.ts";
import { ConfigError, Source, type Values } from "./config-source.ts";
import { integer, listOf, matching, oneOf, proxies } from "./config-values.ts";

export interface Config {
  readonly mode: "embedded" | "cluster";
  /** Keeps clusters on the same servers apart: the NATS namespace, the prefix of databases, topics and groups. */
  readonly namespace: string;
  /** Null in embedded mode. */
  readonly cluster: ClusterConfig | null;
  readonly http: { readonly host: string; readonly port: number };
  readonly opsPort: number;
  /** Folder of the embedded databases, absolute. */
  readonly data: string;
  /** `isDrawn`: the password was made by this node of a cluster, and another one may have made another. */
  readonly admin: { readonly email: string; readonly password: string | null; readonly isDrawn?: true };
  /** Requests a minute per principal or address; 0 = off. */
  readonly rateLimit: number;
  /** Whose X-Forwarded-For is believed: that many hops before this one, or addresses and networks; 0 = nobody's. */
  readonly trustedProxies: number | readonly string[];
  /** "full" survives power loss; "process" only the death of the process. */
  readonly durability: "full" | "process";
  readonly reservationTtlMs: number;
  readonly sagaLeaseMs: number;
  /** How long ended reservations and command results stay in a stock item: longer than the longest saga and retry. */
  readonly retentionMs: number;
  /** Unpublished events per store above which new work is refused. */
  readonly outboxBound: number;
  /** stock.low.v1 when available falls to this or below. */
  readonly lowStock: number;
  /** How long the audit takes for one walk through a shop of usual size. */
  readonly auditIntervalMs: number;
  /** The services of this process. */
  readonly services: readonly string[];
  /** Whether calls, requests and databases are counted; the state of the process is shown either way. */
  readonly metrics: boolean;
  readonly logLevel: LogLevel;
  readonly tracing: TracingConfig;
}

const levels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof levels)[number];

const port = integer(0, 65_535);
const seconds = integer(1, 10_000_000);
const count = integer(0, 1_000_000_000);
export const namespaceRule = "1 to 40 lower case letters, digits and -, beginning with a letter";

function modeOf(source: Source): Config["mode"] {
  const missing = clusterVariables.filter(name => source.raw(name) === undefined);
  if (missing.length === 0) return "cluster";
  if (missing.length === clusterVariables.length) return "embedded";
  const set = clusterVariables.filter(name => !missing.includes(name));
  source.problems.push(
    `${set.join(" and ")} set without ${missing.join(" and ")}: set all three for a cluster, or none for one process`,
  );
  return "embedded";
}

const NAMESPACE = /^[a-z][a-z\d-]{0,39}$/;
export const isNamespace = (text: string): boolean => NAMESPACE.test(text);
const namespaceOf = (source: Source): string =>
  source.read("COMPTOIR_NAMESPACE", matching(NAMESPACE, namespaceRule), "comptoir");

/** In seconds. A saga may last as long as its reservation, and its answers must be remembered longer than that. */
function retention(source: Source, reservationTtl: number): number {
  const value = source.read("COMPTOIR_RETENTION", seconds, Math.max(86_400, 2 * reservationTtl));
  if (value <= reservationTtl) {
    source.problems.push(
      `COMPTOIR_RETENTION is "${String(value)}": must be above COMPTOIR_RESERVATION_TTL (${String(reservationTtl)})`,
    );
  }
  return value;
}

/** Where the shop is and who runs it: what a client on the same host needs as well. */
function doorOf(source: Source): Pick<Config, "http" | "data" | "admin"> {
  return {
    http: {
      host: source.read("COMPTOIR_HOST", matching(/^[\w.:-]+$/, "a host name or an IP address"), "127.0.0.1"),
      port: source.read("COMPTOIR_PORT", port, 3000),
    },
    data: resolve(source.raw("COMPTOIR_DATA") ?? ".data"),
    admin: {
      email: source.read(
        "COMPTOIR_ADMIN_EMAIL",
        matching(/^[^\s@]+@[^\s@]+$/, "an e-mail address"),
        "admin@comptoir.local",
      ),
      password: source.read("COMPTOIR_ADMIN_PASSWORD", matching(/^.{1,200}$/s, "1 to 200 characters"), null),
    },
  };
}

export { ConfigError };

/**
 * @param known the services that this release has.
 * @throws ConfigError naming everything that is wrong.
 */
export function loadConfig(known: readonly string[], environment: Values = process.env): Config {
  const source = new Source(environment);
  const reservationTtl = source.read("COMPTOIR_RESERVATION_TTL", seconds, 900);
  const mode = modeOf(source);
  const cluster = clusterOf(source);
  const config: Config = {
    mode,
    namespace: namespaceOf(source),
    cluster: mode === "cluster" ? cluster : null,
    ...doorOf(source),
    opsPort: source.read("COMPTOIR_OPS_PORT", port, 3100),
    rateLimit: source.read("COMPTOIR_RATE_LIMIT", count, 1200),
    trustedProxies: source.read<Config["trustedProxies"]>("COMPTOIR_TRUSTED_PROXIES", proxies, 0),
    durability: source.read("COMPTOIR_DURABILITY", oneOf(["full", "process"]), "full"),
    reservationTtlMs: reservationTtl * 1000,
    sagaLeaseMs: source.read("COMPTOIR_SAGA_LEASE", seconds, 10) * 1000,
    retentionMs: retention(source, reservationTtl) * 1000,
    outboxBound: source.read("COMPTOIR_OUTBOX_BOUND", integer(1, 1_000_000_000), 100_000),
    lowStock: source.read("COMPTOIR_LOW_STOCK", count, 10),
    auditIntervalMs: source.read("COMPTOIR_AUDIT_INTERVAL", integer(1, 86_400), 20) * 1000,
    services: source.read("SERVICES", listOf(known), known),
    metrics: source.read("COMPTOIR_METRICS", oneOf(["on", "off"]), "on") === "on",
    logLevel: source.read("COMPTOIR_LOG_LEVEL", oneOf(levels), "info"),
    tracing: tracingOf(source),
  };
  if (config.http.port !== 0 && config.http.port === config.opsPort) {
    source.problems.push(`COMPTOIR_PORT and COMPTOIR_OPS_PORT are both ${String(config.opsPort)}: take two ports`);
  }
  source.refuseUnknown();
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  return config;
}

export interface ImportConfig {
  /** Of the shop on this host, as its own settings place it. */
  readonly url: string;
  readonly admin: Config["admin"];
  readonly data: string;
}

export type ToolConfig = ImportConfig & Pick<Config, "namespace" | "cluster">;

/** For tools that work beside a shop. @throws ConfigError naming everything that is wrong. */
export function loadToolConfig(environment: Values = process.env): ToolConfig {
  const source = new Source(environment);
  const cluster = clusterOf(source);
  const isCluster = modeOf(source) === "cluster";
  const namespace = namespaceOf(source);
  const door = loadDoor(source);
  return { ...door, namespace, cluster: isCluster ? cluster : null };
}

/** @throws ConfigError naming everything that is wrong. */
export const loadImportConfig = (environment: Values = process.env): ImportConfig => loadDoor(new Source(environment));

export interface LoadConfig extends ImportConfig {
  /** Where a run's results go while it runs; null: nowhere. */
  readonly remoteWrite: string | null;
  /** k6's own settings, and what any program needs. */
  readonly passed: Readonly<Record<string, string>>;
}

/** Of the load tests. @throws ConfigError naming everything that is wrong. */
export function loadLoadConfig(environment: Values = process.env): LoadConfig {
  const source = new Source(environment);
  const address = matching(/^https?:\/\/\S+$/, "the http:// address of a Prometheus' remote write");
  const own = source.read("K6_PROMETHEUS_RW_SERVER_URL", address, null);
  const remoteWrite = source.read("PROMETHEUS_REMOTE_WRITE_URL", address, own);
  const isPassed = (name: string): boolean =>
    name.startsWith("K6_") || ["HOME", "PATH", "TMPDIR", "TERM"].includes(name);
  const passed = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && isPassed(name) ? [[name, value] as const] : [],
    ),
  );
  return { ...loadDoor(source), remoteWrite, passed };
}

function loadDoor(source: Source): ImportConfig {
  const { http, data, admin } = doorOf(source);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const host = ["0.0.0.0", "::"].includes(http.host) ? "127.0.0.1" : http.host;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${String(http.port)}`,
    admin,
    data,
  };
}
