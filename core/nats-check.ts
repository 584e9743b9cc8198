// The look at NATS before the start.
import { connect } from "nats";
import type { NatsConfig } from "./config-cluster.ts";
import { natsOptions } from "./nats.ts";

async function checkOne(nats: NatsConfig, server: string): Promise<void> {
  const once = { servers: [server], reconnect: false, maxReconnectAttempts: 0 };
  const connection = await connect({ ...natsOptions(nats), ...once });
  await connection.close();
}

/** One attempt at each server: one that lets this node in is enough. @throws Error saying in one line why none does */
export async function checkNats(nats: NatsConfig): Promise<void> {
  const attempts = await Promise.allSettled(nats.servers.map(server => checkOne(nats, server)));
  if (attempts.some(({ status }) => status === "fulfilled")) return;
  const problems = attempts.map(attempt => (attempt.status === "rejected" ? messageOf(attempt.reason) : ""));
  const [first = "", ...others] = new Set(problems);
  if (others.length === 0) throw new Error(first);
  throw new Error(problems.map((problem, index) => `${nats.servers[index] ?? ""}: ${problem}`).join(", "));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
