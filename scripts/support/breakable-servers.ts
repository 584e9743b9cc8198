// The three servers of a cluster, each behind a proxy: to be killed, frozen and cut off.
import { freePort } from "./free-port.ts";
import type { Server } from "./server-process.ts";
import { startKafka, startMongo, startNats, startToxiproxy, type ServerAddresses } from "./servers.ts";
import type { Proxy } from "./toxiproxy.ts";

export interface Breakable {
  readonly server: Server;
  readonly proxy: Proxy;
}

export interface BreakableServers {
  readonly nats: Breakable;
  readonly mongo: Breakable;
  readonly kafka: Breakable;
  /** Through the proxies. */
  readonly addresses: ServerAddresses;
  stop(): Promise<void>;
}

export async function startBreakableServers(): Promise<BreakableServers> {
  const toxiproxy = await startToxiproxy();
  const started: Server[] = [toxiproxy.server];
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map(server => server.stop()));
  };
  /** The proxy first: Kafka has to tell its clients where it is. */
  const behindProxy = async (start: (port: number, proxy: Proxy) => Promise<Server>): Promise<Breakable> => {
    const port = await freePort();
    const proxy = await toxiproxy.proxy(`127.0.0.1:${String(port)}`);
    const server = await start(port, proxy);
    started.push(server);
    return { server, proxy };
  };
  try {
    const [nats, mongo, kafka] = await Promise.all([
      behindProxy(port => startNats({ port })),
      behindProxy(port => startMongo({ port })),
      behindProxy((port, { address }) => startKafka({ port, advertised: address })),
    ]);
    const addresses = {
      nats: `nats://${nats.proxy.address}`,
      mongo: `mongodb://${mongo.proxy.address}`,
      kafka: kafka.proxy.address,
    };
    return { nats, mongo, kafka, addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
