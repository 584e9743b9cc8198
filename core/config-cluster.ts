// The settings of cluster mode: where NATS, MongoDB, Kafka and the mail server are, and how to be let in.
import { hostname } from "node:os";
import { integer, matching, oneOf, type Parse } from "./config-values.ts";
import type { Source } from "./config-source.ts";

/** PEM text. Null where the system's own authorities, or no client certificate, will do. */
export interface Tls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface NatsConfig {
  /** "host:port" each. */
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly token: string | null;
  readonly tls: Tls | null;
}

export interface MongoConfig {
  /** A connection string, several hosts and options included. */
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
  readonly tls: Tls | null;
}

export interface KafkaConfig {
  /** "host:port" each. */
  readonly brokers: readonly string[];
  readonly sasl: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  } | null;
  readonly tls: Tls | null;
  /** Of each topic that is made; a topic that exists keeps its own. */
  readonly partitions: number;
  readonly replication: number;
  /** Milliseconds; -1 = for ever. */
  readonly retentionMs: number;
}

export interface ClusterConfig {
  /** Unique among the nodes that are up. */
  readonly nodeId: string;
  /** How long a start waits for its servers. */
  readonly startupTimeoutMs: number;
  readonly nats: NatsConfig;
  readonly mongo: MongoConfig;
  readonly kafka: KafkaConfig;
  /** Null: mail is read where it is stored, as in embedded mode. */
  readonly smtp: { readonly url: string; readonly from: string } | null;
}

export const clusterVariables = ["NATS_URL", "MONGO_URL", "KAFKA_BROKERS"] as const;

const DAY_MS = 86_400_000;
const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;
const hostPattern = /^(\[[\da-f:]+\]|[\w.-]+)(:\d{1,5})?$/i;
const isHost = (text: string): boolean =>
  hostPattern.test(text) && Number(/:(\d{1,5})$/.exec(text)?.[1] ?? 1) <= 65_535;

const hosts =
  (defaultPort: number): Parse<readonly string[]> =>
  text => {
    const given = text.split(",").map(item => item.trim());
    const wrong = given.findIndex(host => !isHost(host));
    if (wrong !== -1)
      return { problem: `entry ${String(wrong + 1)} must be HOST or HOST:PORT; several comma separated` };
    return { value: given.map(host => (/:\d+$/.test(host) ? host : `${host}:${String(defaultPort)}`)) };
  };

interface NatsAddress {
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly isTls: boolean;
}

/** Undefined where a % begins no escape. */
function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
const escapes = "write what has a meaning of its own in a URL as %XX: @ is %40, % is %25";

/** nats://user:password@host:4222,nats://other:4222; the scheme may be left out, tls:// asks for TLS. */
const natsUrl: Parse<NatsAddress> = text => {
  const problem = "must be nats://[USER:PASSWORD@]HOST:PORT or tls://…, several comma separated";
  const urls = text.split(",").map(item => URL.parse(item.includes("://") ? item.trim() : `nats://${item.trim()}`));
  const isWrong = urls.some(url => url === null || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "");
  const [first] = urls;
  if (isWrong || first === undefined || first === null) return { problem: `${problem}; ${escapes}` };
  const [user, password] = [unescaped(first.username), unescaped(first.password)];
  if (user === undefined || password === undefined) return { problem: `${problem}; ${escapes}` };
  return {
    value: {
      servers: urls.map(url => `${url?.hostname ?? ""}:${url?.port || "4222"}`),
      user: user || null,
      password: password || null,
      isTls: urls.some(url => url?.protocol === "tls:"),
    },
  };
};

/** What is no host here may be the rest of a password: the driver would look it up, and name it in an error. */
const mongoUrl: Parse<string> = text => {
  const [, userinfo = "", list = ""] =
    /^mongodb(?:\+srv)?:\/\/(?:([^\s/?#[\]@:]+(?::[^\s/?#[\]@:]*)?)@)?([^\s/?@]+)(?:\/[^\s?@]*)?(?:\?\S*)?$/.exec(
      text,
    ) ?? [];
  if (list.split(",").every(isHost) && unescaped(userinfo) !== undefined) return { value: text };
  return { problem: `must be mongodb://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/[?OPTIONS]; ${escapes}` };
};
const smtpUrl = matching(/^smtps?:\/\/\S+$/, "smtp://[USER:PASSWORD@]HOST:PORT or smtps://…");
const anything = matching(/^.+$/s, "at least one character");

const PEM = /^-----BEGIN [A-Z ]+-----/m;

/** @param isAsked whether TLS is wanted even without a certificate of our own. */
function tlsOf(source: Source, prefix: string, isAsked: boolean): Tls | null {
  const part = (name: string): string | null => {
    const setting = `${prefix}_TLS_${name}_FILE`;
    const text = source.file(setting) ?? null;
    if (text !== null && !PEM.test(text))
      source.problems.push(
        `${setting} names a file without PEM in it: it must have a line like -----BEGIN CERTIFICATE-----`,
      );
    return text;
  };
  const tls = { ca: part("CA"), cert: part("CERT"), key: part("KEY") };
  if ((tls.cert === null) !== (tls.key === null))
    source.problems.push(`${prefix}_TLS_CERT_FILE and ${prefix}_TLS_KEY_FILE belong together: set both or none`);
  const isOn = source.read(`${prefix}_TLS`, oneOf(["true", "false"]), "false") === "true";
  return isAsked || isOn || Object.values(tls).some(text => text !== null) ? tls : null;
}

interface Login {
  readonly user: string | null;
  readonly password: string | null;
  /** By what else the server may know this user. */
  readonly isUserEnough: boolean;
}

/** Said here, because a client sends what it has, or nothing, and the server then only says that it refuses. */
function requireWhole(source: Source, prefix: string, login: Login, advice = "set both or none"): void {
  const { user, password, isUserEnough } = login;
  if (password === null ? user === null || isUserEnough : user !== null) return;
  source.problems.push(`${prefix}_USER and ${prefix}_PASSWORD belong together: ${advice}`);
}

function natsOf(source: Source): NatsConfig {
  const nowhere: NatsAddress = { servers: [], user: null, password: null, isTls: false };
  const address = source.read("NATS_URL", natsUrl, nowhere);
  const user = source.read("NATS_USER", anything, address.user);
  const password = source.read("NATS_PASSWORD", anything, address.password);
  const tls = tlsOf(source, "NATS", address.isTls);
  // A server may take the user from the client's certificate.
  const login = { user, password, isUserEnough: Boolean(tls?.cert) };
  requireWhole(source, "NATS", login, "set both or none, in NATS_URL too; a token goes into NATS_TOKEN");
  return { servers: address.servers, user, password, token: source.read("NATS_TOKEN", anything, null), tls };
}

/** They know a user by a certificate, a ticket, a token or the keys of AWS. */
const withoutPassword = /[?&]authMechanism=(MONGODB-X509|GSSAPI|MONGODB-OIDC|MONGODB-AWS)(&|$)/i;

function mongoOf(source: Source): MongoConfig {
  const url = source.read("MONGO_URL", mongoUrl, "");
  const user = source.read("MONGO_USER", anything, null);
  const password = source.read("MONGO_PASSWORD", anything, null);
  const isUserEnough = withoutPassword.test(url);
  requireWhole(source, "MONGO", { user, password, isUserEnough });
  const isUserAlone = /^[^/]+\/\/[^/?@:]+@/.test(url);
  if (isUserAlone && user === null && !isUserEnough)
    source.problems.push(
      "MONGO_URL has a user without a password: write USER:PASSWORD@, or set MONGO_USER and MONGO_PASSWORD",
    );
  return { url, user, password, tls: tlsOf(source, "MONGO", false) };
}

function saslOf(source: Source): KafkaConfig["sasl"] {
  const username = source.read("KAFKA_USER", anything, null);
  const password = source.read("KAFKA_PASSWORD", anything, null);
  const mechanism = source.read("KAFKA_SASL_MECHANISM", oneOf(mechanisms), "scram-sha-512");
  requireWhole(source, "KAFKA", { user: username, password, isUserEnough: false });
  return username === null || password === null ? null : { mechanism, username, password };
}

function kafkaOf(source: Source): KafkaConfig {
  const days = source.read("KAFKA_RETENTION_DAYS", matching(/^(-1|[1-9]\d{0,4})$/, "days, or -1 for ever"), "-1");
  return {
    brokers: source.read("KAFKA_BROKERS", hosts(9092), []),
    sasl: saslOf(source),
    tls: tlsOf(source, "KAFKA", false),
    partitions: source.read("KAFKA_PARTITIONS", integer(1, 1_000), 6),
    replication: source.read("KAFKA_REPLICATION", integer(1, 9), 1),
    retentionMs: days === "-1" ? -1 : Number(days) * DAY_MS,
  };
}

function smtpOf(source: Source): ClusterConfig["smtp"] {
  const url = source.read("SMTP_URL", smtpUrl, null);
  const address = matching(/^[^\s@<>]+@[^\s@<>]+$/, "an e-mail address");
  const from = source.read("COMPTOIR_MAIL_FROM", address, "shop@comptoir.local");
  return url === null ? null : { url, from };
}

export const clusterOf = (source: Source): ClusterConfig => ({
  nodeId: source.read(
    "COMPTOIR_NODE_ID",
    matching(/^[\w.-]{1,100}$/, "1 to 100 letters, digits, dots, - and _"),
    `${hostname()}-${String(process.pid)}`,
  ),
  startupTimeoutMs: source.read("COMPTOIR_STARTUP_TIMEOUT", integer(1, 3_600), 60) * 1000,
  nats: natsOf(source),
  mongo: mongoOf(source),
  kafka: kafkaOf(source),
  smtp: smtpOf(source),
});
