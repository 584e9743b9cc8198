// How this node reaches NATS: for Moleculer's transporter, and for the look before the start.
import { connect, type ConnectionOptions } from "nats";
import type { NatsConfig } from "./config-cluster.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** A server that leaves three of them unanswered is frozen or cut off: noticed within 4 s. NATS's own 2 min are for idle clients. */
const PING_MS = 1_000;
const PINGS = 3;
/** Between two tries; the jitter keeps a whole cluster from coming back in one moment. */
const RECONNECT_MS = 250;
const JITTER_MS = 250;

/** A URL would be reduced to its host by Moleculer, so everything goes as options. */
export function natsOptions({ servers, user, password, token, tls }: NatsConfig): ConnectionOptions {
  const certificates = Object.fromEntries(Object.entries(tls ?? {}).filter(([, text]) => text !== null));
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
    ...(tls === null ? {} : { tls: certificates }),
  };
}

/** One attempt. @throws Error saying in one line why not. */
export async function checkNats(nats: NatsConfig): Promise<void> {
  const connection = await connect({ ...natsOptions(nats), reconnect: false, maxReconnectAttempts: 0 });
  await connection.close();
}
