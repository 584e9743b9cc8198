// Broken networks on demand: proxies of a Toxiproxy server, told what to do over its HTTP API.
import { freePort } from "./free-port.ts";
import type { Server } from "./server-process.ts";

interface Toxic {
  readonly name: string;
  readonly type: string;
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
}

export interface Proxy {
  /** HOST:PORT for clients. */
  readonly address: string;
  /** Connections stay, and new ones are taken, but nothing comes through either way. */
  blackHole(): Promise<void>;
  /** Every answer takes longer. */
  latency(ms: number): Promise<void>;
  /** Every connection is reset, also each new one. */
  reset(): Promise<void>;
  /** Nobody listens, as if the server were down. */
  cut(): Promise<void>;
  /** As if nothing had been done. Connections that were in a black hole are closed. */
  heal(): Promise<void>;
}

const STREAMS = ["upstream", "downstream"] as const;

export class Toxiproxy {
  readonly server: Server;
  #count = 0;

  constructor(server: Server) {
    this.server = server;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  /**
   * A proxy before HOST:PORT, which need not listen yet.
   * @param upstream a server's address.
   */
  async proxy(upstream: string): Promise<Proxy> {
    const name = `proxy-${String(++this.#count)}`;
    const address = `127.0.0.1:${String(await freePort())}`;
    await this.#ask("POST", "/proxies", { name, listen: address, upstream, enabled: true });
    const path = `/proxies/${name}`;
    const add = (toxic: Toxic): Promise<void> => this.#ask("POST", `${path}/toxics`, { ...toxic, toxicity: 1 });
    const heal = (): Promise<void> => this.#heal(path);
    /** The one fault that there is, whatever was before. */
    const only = async (type: string, attributes: Toxic["attributes"], streams: readonly Toxic["stream"][]) => {
      await heal();
      await Promise.all(streams.map(stream => add({ name: `${type}-${stream}`, type, stream, attributes })));
    };
    return {
      address,
      heal,
      blackHole: () => only("timeout", { timeout: 0 }, STREAMS),
      latency: ms => only("latency", { latency: ms, jitter: 0 }, ["downstream"]),
      reset: () => only("reset_peer", { timeout: 0 }, STREAMS),
      cut: () => this.#ask("POST", path, { enabled: false }),
    };
  }

  async #heal(path: string): Promise<void> {
    const answer = await fetch(`${this.server.url}${path}/toxics`);
    const toxics = (await answer.json()) as Toxic[];
    await Promise.all(toxics.map(({ name }) => this.#ask("DELETE", `${path}/toxics/${name}`)));
    await this.#ask("POST", path, { enabled: true });
  }

  async #ask(method: string, path: string, body?: object): Promise<void> {
    const answer = await fetch(this.server.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}
