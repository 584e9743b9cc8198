// How this node reaches NATS: for Moleculer's transporter, and for the look before the start.
import { connect, type ConnectionOptions } from "nats";
import type { NatsConfig } from "./config-cluster.ts";

const CONNECT_TIMEOUT_MS = 2_000;

/** A URL would be reduced to its host by Moleculer, so everything goes as options. */
export function natsOptions({ servers, user, password, token, tls }: NatsConfig): ConnectionOptions {
  const certificates = Object.fromEntries(Object.entries(tls ?? {}).filter(([, text]) => text !== null));
  return {
    servers: [...servers],
    timeout: CONNECT_TIMEOUT_MS,
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
