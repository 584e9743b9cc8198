// Servers that let nobody in without TLS, a certificate and a login; and the environment of a node that has them, every
// secret in a file.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/support/free-port.ts";
import { ADMIN, temporaryFolder } from "../../scripts/support/node-process.ts";
import type { Server } from "../../scripts/support/server-process.ts";
import { startKafka, startMongo, startNats } from "../../scripts/support/servers.ts";
import { authenticateBefore } from "./authenticating-mongo.ts";
import { makeCertificates, type Certificates } from "./certificates.ts";

export const USER = "comptoir";
/** With what has a meaning of its own in URLs, properties and configuration files. */
export const secrets = {
  nats: "n@ts: s3cret%",
  token: "t0ken-s3cret",
  mongo: "m/ngo: s3cret?",
  kafka: "k@fka: s3cret#",
};

export interface SecuredServers {
  readonly certificates: Certificates;
  /** Of one cluster: a user with a password, and a client certificate. */
  readonly nats: readonly [Server, Server];
  /** A token. */
  readonly tokenNats: Server;
  /** A user with a password, and a client certificate. */
  readonly mongoUrl: string;
  /** A user with a password, by SCRAM-SHA-512 or PLAIN. */
  readonly kafka: Server;
  /** Of the same broker: a client certificate. */
  readonly kafkaByCertificate: string;
  /** Nobody listens there. */
  readonly nowhere: string;
  /** For a secret; the path of a file that only its owner reads. */
  readonly secretFile: (name: string, value: string) => string;
  stop(): Promise<void>;
}

const natsTls = ({ server, ca }: Certificates, verify: boolean): string =>
  `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: ${String(verify)} }`;

async function startNatsPair(certificates: Certificates): Promise<readonly [Server, Server]> {
  const [one, other] = [await freePort(), await freePort()];
  const routes = [one, other].map(port => `"tls://127.0.0.1:${String(port)}"`).join(", ");
  const tls = natsTls(certificates, true);
  const start = (port: number): Promise<Server> =>
    startNats({
      configuration: `
        ${tls}
        authorization { user: "${USER}", password: "${secrets.nats}" }
        cluster { name: test, listen: "127.0.0.1:${String(port)}", routes: [${routes}], ${tls} }`,
    });
  return Promise.all([start(one), start(other)]);
}

/** @throws when one does not start; then the others end with this process */
export async function startSecuredServers(): Promise<SecuredServers> {
  const [certificates, folder] = [await makeCertificates(), temporaryFolder()];
  const [certificatePort, nobody] = [await freePort(), await freePort()];
  const { server, ca } = certificates;
  const login = { user: USER, password: secrets.kafka };
  const [nats, tokenNats, mongo, kafka] = await Promise.all([
    startNatsPair(certificates),
    startNats({ configuration: `${natsTls(certificates, false)}\nauthorization { token: "${secrets.token}" }` }),
    startMongo(),
    startKafka({ security: { ...login, keyAndCertificate: server.both, ca, certificatePort } }),
  ]);
  const door = await authenticateBefore(mongo.port, { user: USER, password: secrets.mongo }, certificates);
  return {
    ...{ certificates, nats, tokenNats, kafka },
    mongoUrl: `mongodb://127.0.0.1:${String(door.port)}`,
    kafkaByCertificate: `127.0.0.1:${String(certificatePort)}`,
    nowhere: `127.0.0.1:${String(nobody)}`,
    secretFile(name, value) {
      const path = join(folder, name);
      writeFileSync(path, `${value}\n`, { mode: 0o600 });
      return path;
    },
    async stop() {
      door.close();
      await Promise.all([...nats, tokenNats, mongo, kafka].map(each => each.stop()));
      certificates.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const text = (path: string): string => readFileSync(path, "utf8");
export const onlyCa = ({ ca }: Certificates) => ({ ca: text(ca), cert: null, key: null });
export const withCertificate = ({ ca, client }: Certificates) => ({
  ...{ ca: text(ca), cert: text(client.cert), key: text(client.key) },
});

/** Of a node that is let in everywhere. NATS and Kafka are named with a server that is not there, first. */
export function environmentOf(servers: SecuredServers, nats: Server, mechanism: string): Record<string, string> {
  const { ca, client } = servers.certificates;
  const tls = (prefix: string) => ({
    [`${prefix}_TLS_CA_FILE`]: ca,
    [`${prefix}_TLS_CERT_FILE`]: client.cert,
    [`${prefix}_TLS_KEY_FILE`]: client.key,
  });
  const { secretFile, nowhere, kafka } = servers;
  return {
    ...{ NATS_URL: `tls://${nowhere},tls://${nats.address}`, ...tls("NATS") },
    ...{ NATS_USER: USER, NATS_PASSWORD_FILE: secretFile("nats", secrets.nats) },
    ...{ MONGO_URL: "", MONGO_URL_FILE: secretFile("mongo-url", servers.mongoUrl), ...tls("MONGO") },
    ...{ MONGO_USER: USER, MONGO_PASSWORD_FILE: secretFile("mongo", secrets.mongo) },
    ...{ KAFKA_BROKERS: `${nowhere},${kafka.address}`, KAFKA_TLS_CA_FILE: ca, KAFKA_SASL_MECHANISM: mechanism },
    ...{ KAFKA_USER: USER, KAFKA_PASSWORD_FILE: secretFile("kafka", secrets.kafka) },
    ...{ COMPTOIR_ADMIN_PASSWORD: "", COMPTOIR_ADMIN_PASSWORD_FILE: secretFile("admin", ADMIN.password) },
  };
}
