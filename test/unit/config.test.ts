import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ConfigError, loadConfig } from "../../core/config.ts";

const known = ["billing", "order", "gateway"];

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(known, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("The configuration", () => {
  it("has defaults for everything but the password", () => {
    expect(loadConfig(known, {})).toEqual({
      mode: "embedded",
      namespace: "comptoir",
      cluster: null,
      http: { host: "127.0.0.1", port: 3000 },
      opsPort: 3100,
      data: resolve(".data"),
      admin: { email: "admin@comptoir.local", password: null },
      rateLimit: 1200,
      trustedProxies: 0,
      durability: "full",
      reservationTtlMs: 900_000,
      sagaLeaseMs: 10_000,
      retentionMs: 86_400_000,
      outboxBound: 100_000,
      lowStock: 10,
      auditIntervalMs: 20_000,
      services: known,
      metrics: true,
      logLevel: "info",
      tracing: {
        exporter: "none",
        url: "",
        ratio: 0.1,
        slowMs: 1_000,
        serviceName: null,
      },
    });
  });

  it("takes OpenTelemetry's own names for tracing", () => {
    const tracingOf = (environment: Record<string, string>) => loadConfig(known, environment).tracing;
    const [otlp, zipkin] = ["otlp", "zipkin"].map(OTEL_TRACES_EXPORTER => ({ OTEL_TRACES_EXPORTER }));
    expect(tracingOf({ ...otlp, OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" }).url).toBe(
      "http://collector:4318/v1/traces",
    );
    expect(tracingOf({ ...otlp, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example.org/in" }).url).toBe(
      "https://traces.example.org/in",
    );
    expect(
      tracingOf({ ...zipkin, OTEL_TRACES_SAMPLER_ARG: "0.25", COMPTOIR_TRACES_SLOW: "250", OTEL_SERVICE_NAME: "shop" }),
    ).toEqual({
      exporter: "zipkin",
      url: "http://localhost:9411/api/v2/spans",
      ratio: 0.25,
      slowMs: 250,
      serviceName: "shop",
    });
  });

  it("does not mind what other programs are told of exporters that it does not use", () => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" })).toEqual(
      [],
    );
  });

  it.each([
    ["OTEL_TRACES_EXPORTER", "jaeger", /must be one of none, otlp, zipkin/],
    ["OTEL_TRACES_SAMPLER_ARG", "1.5", /from 0 to 1, like 0.1/],
    ["OTEL_TRACES_SAMPLER_ARG", "10%", /from 0 to 1, like 0.1/],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", /must be http:\/\/HOST:PORT/],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/?tenant=a", /without a query/],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", /must be one of http\/json/],
    ["OTEL_EXPORTER_ZIPKIN_ENDPOINT", "nowhere", /must be http:\/\/HOST:PORT/],
    ["COMPTOIR_TRACES_SLOW", "0", /whole number from 1/],
    ["OTEL_SERVICE_NAME", "my\nshop", /1 to 100 printable/],
  ])("says what is wrong with %s=%s", (name, value, problem) => {
    const exporter = name.includes("ZIPKIN") ? "zipkin" : "otlp";
    const [first, ...others] = problemsOf({ OTEL_TRACES_EXPORTER: exporter, [name]: value });
    expect(others).toEqual([]);
    expect(first).toMatch(new RegExp(`^${name} is "`));
    expect(first).toMatch(problem);
  });

  it("does not show the password of an address that it refuses", () => {
    expect(
      problemsOf({ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "ftp://u:p@ss@collector/in" }),
    ).toEqual([expect.stringContaining('is "ftp://***@collector/in"')]);
  });

  it("takes what is set, in the units of its variable", () => {
    const config = loadConfig(known, {
      COMPTOIR_PORT: "0",
      COMPTOIR_HOST: "::1",
      COMPTOIR_RATE_LIMIT: "0",
      COMPTOIR_DURABILITY: "process",
      COMPTOIR_RESERVATION_TTL: "2",
      COMPTOIR_RETENTION: "3",
      SERVICES: "gateway, order",
    });
    expect(config).toMatchObject({
      http: { host: "::1", port: 0 },
      rateLimit: 0,
      durability: "process",
      reservationTtlMs: 2_000,
      retentionMs: 3_000,
      services: ["order", "gateway"],
    });
  });

  it("takes an empty value for none", () => {
    expect(loadConfig(known, { COMPTOIR_PORT: "", NATS_URL: "" }).http.port).toBe(3000);
  });

  it("keeps what it remembers longer than a reservation lasts", () => {
    expect(loadConfig(known, { COMPTOIR_RESERVATION_TTL: "100000" }).retentionMs).toBe(200_000_000);
    expect(problemsOf({ COMPTOIR_RETENTION: "900" })).toEqual([expect.stringMatching(/COMPTOIR_RETENTION is "900"/)]);
  });

  it("is refused with every problem at once", () => {
    const problems = problemsOf({ COMPTOIR_PORT: "70000", COMPTOIR_DURABILITY: "ful", COMPTOIR_ADMIN_EMAIL: "admin" });
    expect(problems).toEqual([
      'COMPTOIR_PORT is "70000": must be a whole number from 0 to 65535',
      'COMPTOIR_ADMIN_EMAIL is "admin": must be an e-mail address',
      'COMPTOIR_DURABILITY is "ful": must be one of full, process',
    ]);
  });

  it.each([" ", "1.5", "-1", "1e3", "0x10", "99999999999999999999"])("refuses %j as a number", value => {
    expect(problemsOf({ COMPTOIR_RATE_LIMIT: value })).toHaveLength(1);
  });

  it("refuses a variable it does not know and names the nearest", () => {
    expect(problemsOf({ COMPTOIR_PROT: "3000" })).toEqual([
      expect.stringMatching(/^COMPTOIR_PROT is not a setting: did you mean COMPTOIR_PORT\?/),
    ]);
  });

  it("refuses a service it does not know and names the nearest", () => {
    expect(problemsOf({ SERVICES: "order,bilinng" })).toEqual([
      'SERVICES is "order,bilinng": "bilinng" is not known, did you mean billing? Allowed, comma separated: billing, order, gateway',
    ]);
  });

  it("refuses one port for two things, but not any free port twice", () => {
    expect(problemsOf({ COMPTOIR_PORT: "3100" })).toHaveLength(1);
    expect(problemsOf({ COMPTOIR_PORT: "0", COMPTOIR_OPS_PORT: "0" })).toEqual([]);
  });

  it("is a cluster with all three servers, and names what is missing with some", () => {
    const servers = { NATS_URL: "nats://n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
    expect(loadConfig(known, servers).mode).toBe("cluster");
    expect(problemsOf({ NATS_URL: "nats://n" })).toEqual([
      expect.stringMatching(/^NATS_URL set without MONGO_URL and KAFKA_BROKERS/),
    ]);
  });
});

describe("The cluster's settings", () => {
  const servers = { NATS_URL: "nats://n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
  const clusterOf = (more: Record<string, string> = {}) => loadConfig(known, { ...servers, ...more }).cluster;

  it("have defaults for all but the servers", () => {
    expect(clusterOf()).toEqual({
      nodeId: expect.stringMatching(/-\d+$/),
      startupTimeoutMs: 60_000,
      nats: { servers: ["n:4222"], user: null, password: null, token: null, tls: null },
      mongo: { url: "mongodb://m", user: null, password: null, tls: null },
      kafka: { brokers: ["k:9092"], sasl: null, tls: null, partitions: 6, replication: 1, retentionMs: -1 },
      smtp: null,
    });
  });

  it("know several hosts, users and TLS", () => {
    const cluster = clusterOf({
      NATS_URL: "tls://us%40er:pa%3Ass@n1:5222,n2",
      KAFKA_BROKERS: "k1, k2:9093",
      KAFKA_USER: "shop",
      KAFKA_PASSWORD: "secret",
      KAFKA_TLS: "true",
      KAFKA_RETENTION_DAYS: "7",
    });
    expect(cluster?.nats).toMatchObject({ servers: ["n1:5222", "n2:4222"], user: "us@er", password: "pa:ss" });
    expect(cluster?.nats.tls).toEqual({ ca: null, cert: null, key: null });
    expect(cluster?.kafka).toMatchObject({
      brokers: ["k1:9092", "k2:9093"],
      sasl: { mechanism: "scram-sha-512", username: "shop", password: "secret" },
      tls: { ca: null, cert: null, key: null },
      retentionMs: 604_800_000,
    });
  });

  it.each([
    ["mongodb://m", "mongodb://m:27017,n:27018/?replicaSet=rs0", "mongodb://shop:s3cr%40et@[::1]:27017/shop?tls=true"],
    ["mongodb+srv://shop:s3cret@m.example.org/?retryWrites=false", "mongodb://m?appName=a@b", "mongodb://shop:@m/"],
  ])("take %s, %s and %s", (...urls) => {
    for (const url of urls) expect(loadConfig(known, { ...servers, MONGO_URL: url }).cluster?.mongo.url).toBe(url);
  });

  it.each([
    [{ NATS_URL: "http://n" }, /^NATS_URL has a bad value: must be nats:/],
    [{ MONGO_URL: "m:27017" }, /^MONGO_URL has a bad value: must be mongodb:/],
    [{ NATS_URL: "nats://shop:s3cret%zz@n" }, /^NATS_URL has a bad value: must be nats:.*%25/],
    [{ MONGO_URL: "mongodb://shop:s3cret%zz@m" }, /^MONGO_URL has a bad value: must be mongodb:.*%25/],
    [{ MONGO_URL: "mongodb://shop:p@s3cret@m" }, /^MONGO_URL has a bad value: must be mongodb:.*%40/],
    [{ MONGO_URL: "mongodb://shop:s3cret/x@m" }, /^MONGO_URL has a bad value: must be mongodb:/],
    [{ MONGO_URL: "mongodb://shop:27/x@m" }, /^MONGO_URL has a bad value: must be mongodb:/],
    [{ KAFKA_BROKERS: "k:99999" }, /^KAFKA_BROKERS is .*entry 1 must be HOST/],
    [{ KAFKA_BROKERS: "k:9092,://" }, /^KAFKA_BROKERS is .*entry 2 must be HOST/],
    [{ KAFKA_USER: "shop" }, /^KAFKA_USER and KAFKA_PASSWORD belong together/],
    [{ KAFKA_PASSWORD: "s3cret" }, /^KAFKA_USER and KAFKA_PASSWORD belong together/],
    [{ NATS_USER: "shop" }, /^NATS_USER and NATS_PASSWORD belong together/],
    [{ NATS_PASSWORD: "s3cret" }, /^NATS_USER and NATS_PASSWORD belong together/],
    [{ NATS_URL: "nats://t0ken@n" }, /^NATS_USER and NATS_PASSWORD belong together.*NATS_TOKEN/],
    [{ MONGO_USER: "shop" }, /^MONGO_USER and MONGO_PASSWORD belong together/],
    [{ MONGO_PASSWORD: "s3cret" }, /^MONGO_USER and MONGO_PASSWORD belong together/],
    [{ MONGO_URL: "mongodb://shop:s3cret@m", MONGO_PASSWORD: "n3w" }, /^MONGO_USER and MONGO_PASSWORD belong together/],
    [{ MONGO_URL: "mongodb://shop@m" }, /^MONGO_URL has a user without a password/],
    [{ KAFKA_RETENTION_DAYS: "0" }, /^KAFKA_RETENTION_DAYS is "0"/],
    [{ KAFKA_TLS_CA_FILE: import.meta.filename }, /^KAFKA_TLS_CA_FILE names a file without PEM/],
    [{ SMTP_URL: "mail" }, /^SMTP_URL has a bad value: must be smtp:/],
    [{ COMPTOIR_NAMESPACE: "Shop" }, /^COMPTOIR_NAMESPACE is "Shop"/],
  ])("refuse %j without showing a secret", (wrong, problem) => {
    expect(problemsOf({ ...servers, ...wrong })).toEqual([expect.stringMatching(problem)]);
  });
});

describe("A login", () => {
  const servers = { NATS_URL: "nats://n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
  const x509 = "mongodb://m/?authMechanism=MONGODB-X509";

  it.each([
    { NATS_TOKEN: "t0ken" },
    { NATS_URL: "nats://shop@n", NATS_PASSWORD: "s3cret" },
    { NATS_URL: "nats://:s3cret@n", NATS_USER: "shop" },
    { MONGO_URL: "mongodb://shop:s3cret@m" },
    { MONGO_URL: "mongodb://shop@m", MONGO_USER: "shop", MONGO_PASSWORD: "s3cret" },
    { MONGO_URL: x509 },
    { MONGO_URL: x509.replace("//", "//CN=shop@") },
    { MONGO_URL: `${x509}&tls=true`, MONGO_USER: "CN=shop" },
  ])("may be %j", given => {
    expect(problemsOf({ ...servers, ...given })).toEqual([]);
  });
});

describe("A secret", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comptoir-secret-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("may stand in a file, without its line end", () => {
    const file = join(folder, "password");
    writeFileSync(file, "s3cret\n");
    expect(loadConfig(known, { COMPTOIR_ADMIN_PASSWORD_FILE: file }).admin.password).toBe("s3cret");
  });

  it("of TLS comes with its certificate", () => {
    const file = join(folder, "cert.pem");
    writeFileSync(file, "-----BEGIN CERTIFICATE-----\n");
    const servers = { NATS_URL: "nats://n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
    const wrong = problemsOf({ ...servers, MONGO_TLS_CERT_FILE: file });
    expect(wrong).toEqual([expect.stringMatching(/^MONGO_TLS_CERT_FILE and MONGO_TLS_KEY_FILE belong together/)]);
  });

  it("of TLS may stand for the password of a user of NATS", () => {
    const file = join(folder, "both.pem");
    writeFileSync(file, "-----BEGIN CERTIFICATE-----\n");
    const servers = { NATS_URL: "nats://shop@n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
    expect(problemsOf({ ...servers, NATS_TLS_CERT_FILE: file, NATS_TLS_KEY_FILE: file })).toEqual([]);
    expect(problemsOf({ ...servers, NATS_TLS_CA_FILE: file })).toHaveLength(1);
  });

  it("is not taken from two places, nor from a file that is not there", () => {
    const file = join(folder, "absent");
    expect(problemsOf({ COMPTOIR_ADMIN_PASSWORD_FILE: file })).toEqual([expect.stringContaining(file)]);
    const both = { COMPTOIR_ADMIN_PASSWORD_FILE: file, COMPTOIR_ADMIN_PASSWORD: "x" };
    expect(problemsOf(both)).toEqual([expect.stringContaining("are both set")]);
  });

  it("is not shown when it is refused", () => {
    const [problem] = problemsOf({ COMPTOIR_ADMIN_PASSWORD: "x".repeat(201) });
    expect(problem).toBe("COMPTOIR_ADMIN_PASSWORD has a bad value: must be 1 to 200 characters");
  });
});
