// One NATS, MongoDB and Kafka for all test files that neither end nor break them: each works in a namespace of its own.
// Jest calls this before the first of them, and stop-shared-servers.ts after the last.
import { requireServers, type Servers } from "../../scripts/support/servers.ts";

let servers: Servers | undefined;

/** The test files' processes inherit the addresses. Servers that have one already are not started. */
export default async function start(): Promise<void> {
  servers = await requireServers(process.env);
  const { nats, mongo, kafka } = servers;
  Object.assign(process.env, { NATS_URL: nats, MONGO_URL: mongo, KAFKA_BROKERS: kafka });
}

export async function stop(): Promise<void> {
  await servers?.stop();
}
