// How this node reaches NATS.
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { ConnectionOptions, TlsOptions } from "nats";
import type { NatsConfig, Tls } from "./config-cluster.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** A server that leaves three of them unanswered is frozen or cut off: noticed within 4 s. NATS's own 2 min are for idle clients. */
const PING_MS = 1_000;
const PINGS = 3;
/** Between two tries; the jitter keeps a whole cluster from coming back in one moment. */
const RECONNECT_MS = 250;
const JITTER_MS = 250;

const hostOf = (server: string): string => server.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");

/**
 * The client gives Node no name for a server that is named by its address, and Node then takes "localhost": the
 * certificate has to be for one of the addresses that are configured, or for "localhost" where that is.
 */
function tlsOptions({ ca, cert, key }: Tls, servers: readonly string[]): TlsOptions {
  const unnamed = servers.map(hostOf).filter(host => isIP(host) !== 0 || host === "localhost");
  const identity = (host: string, certificate: PeerCertificate): Error | undefined => {
    if (host !== "localhost" || unnamed.length === 0) return checkServerIdentity(host, certificate);
    const problems = unnamed.map(name => checkServerIdentity(name, certificate));
    return problems.includes(undefined) ? undefined : problems[0];
  };
  const given = {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
  // Which its types do not have: all of this is handed to Node as it is.
  return Object.assign(given, { checkServerIdentity: identity });
}

/** A URL would be reduced to its host by Moleculer, so everything goes as options. */
export function natsOptions({ servers, user, password, token, tls }: NatsConfig): ConnectionOptions {
  return {
    servers: [...servers],
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_MS,
    maxPingOut: PINGS,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: JITTER_MS,
    reconnectJitterTLS: JITTER_MS,
    // Two refusals in a row would end the client for good, also while credentials are being changed.
    ignoreAuthErrorAbort: true,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { pass: password }),
    ...(token === null ? {} : { token }),
    ...(tls === null ? {} : { tls: tlsOptions(tls, servers) }),
  };
}
