// A cluster on servers that let nobody in without TLS, certificates and logins, every secret from a file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { connect } from "nats";
import type { Result } from "../../core/contracts/index.ts";
import type { Order } from "../../core/contracts/order.ts";
import { clusterServers } from "../../core/cluster-servers.ts";
import { loadConfig } from "../../core/config.ts";
import { checkKafka } from "../../core/kafka-client.ts";
import { checkNats } from "../../core/nats-check.ts";
import { natsOptions } from "../../core/nats.ts";
import { knownServices } from "../../core/node.ts";
import { waitForServers } from "../../core/servers.ts";
import { StartupError } from "../../core/startup-error.ts";
import { checkMongo } from "../../core/store/mongo-client.ts";
import { startCluster, type Cluster } from "../../scripts/support/cluster.ts";
import { temporaryFolder } from "../../scripts/support/node-process.ts";
import { client, type Client } from "../support/client.ts";
import { kafkaConfig } from "../support/kafka.ts";
import { order } from "../support/market.ts";
import {
  environmentOf,
  onlyCa,
  secrets,
  startSecuredServers,
  USER,
  withCertificate,
  type SecuredServers,
} from "../support/secured-servers.ts";
import { ROOT } from "../support/shop-process.ts";

const START_MS = 300_000;
/** Seconds: on a busy machine no attempt may come to its end in the first of them. */
const GIVE_UP = [5, 60];
/** A process that has not ended by then waits for ever. */
const ENDED_MS = 180_000;
const wrong = "wr0ng-s3cret";

const data = temporaryFolder();
let servers: SecuredServers;
/** In turn, whatever else has failed. */
const ends: (() => unknown)[] = [
  () => {
    rmSync(data, { recursive: true, force: true });
  },
];

beforeAll(async () => {
  servers = await startSecuredServers();
  ends.unshift(() => servers.stop());
}, START_MS);
afterAll(async () => {
  for (const end of ends) await end();
});

describe("A cluster on secured servers", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({
      servers: { nats: "", mongo: "", kafka: "" },
      // They meet over the route between the two NATS servers.
      nodes: [
        {
          services: ["account", "product", "customer", "inventory", "order", "bridge"],
          env: environmentOf(servers, servers.nats[0], "plain"),
        },
        {
          services: ["billing", "notification", "registry", "bridge", "gateway"],
          env: environmentOf(servers, servers.nats[1], "scram-sha-512"),
        },
      ],
    });
    ends.unshift(() => cluster.kill());
  }, START_MS);

  let api: Client;
  /** A busy machine's gateway sheds load: the client comes again with the same key. */
  const posted = async <T>(path: string, body: object, key: string): Promise<T> => {
    const answer = await api.until(
      () => api.post<T>(path, body, key),
      ({ status }) => status < 300,
    );
    return answer.body;
  };
  const sold = async (key: string): Promise<void> => {
    const { id } = await posted<Order>("/v1/orders", order, key);
    const seen = await api.until(
      () => api.get<Order>(`/v1/orders/${id}`).catch(() => null),
      seen => typeof seen?.invoiceId === "string",
    );
    expect(seen).toMatchObject({ status: "CONFIRMED", paymentStatus: "CAPTURED" });
  };

  it("takes an order to its invoice, through both of NATS's servers, MongoDB and both logins of Kafka", async () => {
    for (const node of cluster.nodes) await node.untilReady();
    const token = await client("", "").until(
      () => cluster.adminToken().catch(() => ""),
      text => text !== "",
    );
    api = client(cluster.gateways()[0] ?? "", token);
    await posted("/v1/products", { sku: "A", name: "A", price: { amount: 255, currency: "GBP" } }, "product");
    await posted("/v1/inventory/A/receipts", { quantity: 10 }, "stock");
    await sold("one");
  });

  it("goes on over the other NATS server when one is gone, which no setting of its node names", async () => {
    await servers.nats[0].kill();
    for (const node of cluster.nodes) await node.untilReady();
    await sold("two");
  });

  it("stops cleanly and has told no secret", async () => {
    await api.until(
      () => api.get<Result<"v1.bridge.lag">>("/v1/events/lag").catch(() => ({ items: [] })),
      ({ items }) => items.length > 0 && items.every(({ behind }) => behind === 0),
    );
    const codes = await cluster.stop();
    expect([...codes.values()]).toEqual([0, 0]);
    for (const node of cluster.nodes)
      for (const secret of Object.values(secrets)) expect(node.log()).not.toContain(secret);
  });
});

describe("A client", () => {
  it("is let in by NATS with a token, and checks the certificate by the address that is configured", async () => {
    const config = { ...{ user: null, password: null, token: secrets.token }, tls: onlyCa(servers.certificates) };
    const connection = await connect(natsOptions({ ...config, servers: [servers.tokenNats.address] }));
    expect(connection.info?.tls_required).toBe(true);
    await connection.close();
    const byName = { ...config, servers: [`localhost:${String(servers.tokenNats.port)}`] };
    await expect(checkNats(byName)).rejects.toThrow(/does not match certificate's altnames: Host: localhost/);
  });

  it("is let in by Kafka with a client certificate instead of a login", async () => {
    const config = kafkaConfig([servers.kafkaByCertificate]);
    await expect(checkKafka({ ...config, tls: withCertificate(servers.certificates) })).resolves.toBeUndefined();
  });

  it("is let in by Kafka with the login it has now, whatever the last one was", async () => {
    const config = { ...kafkaConfig([servers.kafka.address]), tls: onlyCa(servers.certificates) };
    const sasl = { mechanism: "scram-sha-512", username: USER, password: secrets.kafka } as const;
    await expect(checkKafka({ ...config, sasl })).resolves.toBeUndefined();
    await expect(checkKafka({ ...config, sasl: { ...sasl, password: wrong } })).rejects.toThrow(/invalid credentials/);
    await expect(checkKafka({ ...config, sasl: { ...sasl, mechanism: "plain" } })).resolves.toBeUndefined();
  });

  it("is let in by MongoDB with the user of the connection string", async () => {
    const url = servers.mongoUrl.replace("//", `//${USER}:${encodeURIComponent(secrets.mongo)}@`);
    await expect(
      checkMongo({ url, user: null, password: null, tls: withCertificate(servers.certificates) }),
    ).resolves.toBeUndefined();
    const anonymous = { url: servers.mongoUrl, user: null, password: null, tls: withCertificate(servers.certificates) };
    await expect(checkMongo(anonymous)).rejects.toThrow(/requires authentication/);
  });
});

type Change = () => Record<string, string>;
const wrongFile = (): string => servers.secretFile("wrong", wrong);
const without = (prefix: string): Record<string, string> => ({
  [`${prefix}_TLS_CERT_FILE`]: "",
  [`${prefix}_TLS_KEY_FILE`]: "",
});
const refusals: readonly (readonly [what: string, change: Change, line: RegExp])[] = [
  [
    "NATS: the wrong password",
    () => ({ NATS_PASSWORD_FILE: wrongFile() }),
    /NATS .* in within.*Authorization.*NATS_USER/,
  ],
  ["NATS: no certificate", () => without("NATS"), /NATS .*certificate required.*NATS_TLS_CERT_FILE/],
  [
    "NATS: another authority",
    () => ({ NATS_TLS_CA_FILE: servers.certificates.stranger }),
    /NATS .*: check NATS_TLS_CA_FILE/,
  ],
  [
    "NATS: the wrong token",
    () => ({ NATS_URL: servers.tokenNats.url, NATS_USER: "", NATS_PASSWORD_FILE: "", NATS_TOKEN_FILE: wrongFile() }),
    /NATS .* in within.*Authorization.*NATS_TOKEN/,
  ],
  ["MongoDB: the wrong password", () => ({ MONGO_PASSWORD_FILE: wrongFile() }), /MongoDB .*failed.*MONGO_PASSWORD/],
  [
    "MongoDB: no login",
    () => ({ MONGO_USER: "", MONGO_PASSWORD_FILE: "" }),
    /MongoDB .*requires authentication.*set MONGO_USER and MONGO_PASSWORD/,
  ],
  ["MongoDB: no certificate", () => without("MONGO"), /MongoDB .*certificate required.*MONGO_TLS_CERT_FILE/],
  [
    "MongoDB: another authority",
    () => ({ MONGO_TLS_CA_FILE: servers.certificates.stranger }),
    /MongoDB .*: check MONGO_TLS_CA_FILE/,
  ],
  ["Kafka: the wrong password", () => ({ KAFKA_PASSWORD_FILE: wrongFile() }), /Kafka .*invalid cred.*KAFKA_PASSWORD/],
  [
    "Kafka: another authority",
    () => ({ KAFKA_TLS_CA_FILE: servers.certificates.stranger }),
    /Kafka .*: check KAFKA_TLS_CA_FILE/,
  ],
  ["Kafka: no TLS", () => ({ KAFKA_TLS_CA_FILE: "" }), /Kafka .*asks for TLS \(KAFKA_TLS\)/],
  [
    "Kafka: no certificate",
    () => ({ KAFKA_BROKERS: servers.kafkaByCertificate, KAFKA_USER: "", KAFKA_PASSWORD_FILE: "" }),
    /Kafka .*certificate.*KAFKA_TLS_CERT_FILE/,
  ],
];

const changed = (change: Change, giveUp: number): Record<string, string> => ({
  ...{ COMPTOIR_DATA: data, COMPTOIR_PORT: "0", COMPTOIR_OPS_PORT: "0", SERVICES: "product,bridge" },
  ...environmentOf(servers, servers.nats[1], "scram-sha-512"),
  COMPTOIR_STARTUP_TIMEOUT: String(giveUp),
  ...change(),
});

/** Again with more time when there was no answer. */
async function patiently(start: (giveUp: number) => Promise<Ended>): Promise<Ended> {
  let ended: Ended | undefined;
  for (const giveUp of GIVE_UP) {
    ended = await start(giveUp);
    if (!ended.output.includes("did not answer")) break;
  }
  if (ended === undefined) throw new Error("It was never started");
  return ended;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** What a start says while it waits, and how it gives up; in this process. */
async function wait(change: Change, giveUp: number): Promise<Ended> {
  const config = loadConfig(knownServices(), changed(change, giveUp));
  let output = "";
  const say = (line: string): void => {
    output += `${line}\n`;
  };
  const options = { timeoutMs: giveUp * 1000, setting: "COMPTOIR_STARTUP_TIMEOUT", say };
  const error: unknown = await waitForServers(clusterServers(config), options).catch((reason: unknown) => reason);
  if (!(error instanceof StartupError)) throw new Error("It was let in", { cause: error });
  return { code: 1, output: `${output}comptoir: ${error.message}\n` };
}

/** Resolves when the process has ended. */
async function startWith(change: Change, giveUp: number): Promise<Ended> {
  const child = spawn(process.execPath, ["core/main.ts"], {
    cwd: ROOT,
    env: changed(change, giveUp),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", chunk => (output += String(chunk)));
  const timer = setTimeout(() => child.kill("SIGKILL"), ENDED_MS);
  await once(child, "close");
  clearTimeout(timer);
  return { code: child.exitCode, output };
}

describe("A start on servers that do not let the node in", () => {
  async function endsAsExpected(
    chosen: typeof refusals,
    start: (change: Change, giveUp: number) => Promise<Ended>,
  ): Promise<void> {
    const ended = await Promise.all(chosen.map(([, change]) => patiently(giveUp => start(change, giveUp))));
    for (const [index, [what, , expected]] of chosen.entries()) {
      const { code, output } = ended[index] ?? { code: null, output: "" };
      const said = output.split("\n").filter(line => line.startsWith("comptoir: "));
      expect([what, code, said]).toEqual([what, 1, [expect.stringMatching(expected)]]);
      for (const secret of [wrong, ...Object.values(secrets)]) expect(output).not.toContain(secret);
    }
  }

  it(
    "gives up with one line that names the server, the reason and the settings, and no secret",
    () => endsAsExpected(refusals, wait),
    START_MS,
  );

  it(
    "ends the process with that line and exit 1",
    () =>
      endsAsExpected(
        refusals.filter(([what]) => what.endsWith("wrong password")),
        startWith,
      ),
    START_MS,
  );
});
