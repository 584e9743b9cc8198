// Why a server did not let this node in, and which setting that hangs on.

export type Prefix = "NATS" | "MONGO" | "KAFKA";

const addresses: Record<Prefix, string> = { NATS: "NATS_URL", MONGO: "MONGO_URL", KAFKA: "KAFKA_BROKERS" };
const logins: Record<Prefix, string> = {
  NATS: "NATS_USER and NATS_PASSWORD, or NATS_TOKEN",
  MONGO: "MONGO_USER and MONGO_PASSWORD, or the user in MONGO_URL and its authSource",
  KAFKA: "KAFKA_USER, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM",
};

/** By what the clients and OpenSSL say; the first that fits. */
const refusals: readonly (readonly [said: RegExp, advice: (prefix: Prefix) => string])[] = [
  [/another process is the node/, () => "end that one, or give this one another COMPTOIR_NODE_ID"],
  [
    /alert (certificate|bad certificate|unknown ca|handshake failure)/i,
    prefix =>
      `it asks for a client certificate that it trusts: check ${prefix}_TLS_CERT_FILE and ${prefix}_TLS_KEY_FILE`,
  ],
  [
    /self-signed|unable to (verify|get)/i,
    prefix => `nobody this node trusts has signed its certificate: check ${prefix}_TLS_CA_FILE`,
  ],
  [/altnames/i, prefix => `its certificate is for another host: check ${addresses[prefix]}`],
  [/certificate has expired/i, () => "renew its certificate"],
  [/requires authentication/i, prefix => `it asks for a login: set ${logins[prefix]}`],
  [/authoriz|authenticat|sasl/i, prefix => `check ${logins[prefix]}`],
  [/wrong version number|server does not support 'tls'/i, prefix => `it does not speak TLS: check ${prefix}_TLS`],
  [
    /closed/i,
    prefix => `it closes the connection: check whether it asks for TLS (${prefix}_TLS) or a login (${prefix}_USER)`,
  ],
];

/** What to look at; null when it was not a refusal. */
export const adviceFor = (reason: string, prefix: Prefix): string | null =>
  refusals.find(([said]) => said.test(reason))?.[1](prefix) ?? null;

/** In one line, without what OpenSSL says about its own sources. */
export const plainly = (reason: string): string =>
  reason
    .replace(/[\dA-F]+:error:[\dA-F]+:[^:]*:[^:]*:([^:]+):[^:]*:\d+:\S.*/s, "$1")
    .replace(/; if the root CA is installed locally.*$/s, "")
    .replace(/^'(.*)'$/, "$1")
    .trim()
    .replaceAll(/\s*\n\s*/g, " | ");
