// Whether another process is this node already. Moleculer only notices when both are there, and ends the one that was first.
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { connect, JSONCodec } from "nats";
import type { Config } from "./config.ts";
import { natsOptions } from "./nats.ts";
import type { ServerCheck } from "./servers.ts";

/** For a process that is there; one that is gone has left NATS, which then says at once that nobody listens. */
const ANSWER_MS = 2_000;

/** @throws when NATS is not to be had */
async function isTaken(prefix: string, { nodeId, nats }: NonNullable<Config["cluster"]>): Promise<boolean> {
  const connection = await connect({ ...natsOptions(nats), reconnect: false });
  const asker = `${nodeId}-${randomUUID()}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  connection.subscribe(`${prefix}.PONG.${asker}`, {
    callback: error => {
      if (error === null) resolve(true);
    },
  });
  const ping = { ver: ServiceBroker.PROTOCOL_VERSION, sender: asker, id: randomUUID(), time: Date.now() };
  // A node answers with a packet of its own, not with NATS's reply: this ends with "no responders", or in vain.
  connection.request(`${prefix}.PING.${nodeId}`, JSONCodec().encode(ping), { timeout: ANSWER_MS }).catch(() => {
    resolve(false);
  });
  try {
    return await promise;
  } finally {
    await connection.close();
  }
}

/** Fails while another process has the name: it may be one that is stopping. */
export function nameCheck({ cluster, namespace }: Pick<Config, "cluster" | "namespace">): ServerCheck[] {
  if (cluster === null) return [];
  return [
    {
      name: `NATS ${cluster.nats.servers.join(", ")}`,
      prefix: "NATS",
      async attempt() {
        if (await isTaken(`MOL-${namespace}`, cluster))
          throw new Error(`another process is the node ${cluster.nodeId} of ${namespace}`);
      },
    },
  ];
}
