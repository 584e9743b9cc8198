// Who else is in a namespace, asked by joining it as a node that serves nothing. So another restore sees this one, too.
import { hostname } from "node:os";
import { ServiceBroker } from "moleculer";
import { clusterOptions } from "../../moleculer.config.ts";
import type { ClusterConfig } from "../../core/config-cluster.ts";
import { othersOf } from "../../core/members.ts";
import { checkNats } from "../../core/nats-check.ts";
import { RELEASE } from "../../core/release.ts";
import { StartupError } from "../../core/startup-error.ts";
import { systemClock as clock } from "../../core/system.ts";

const POLL_MS = 100;
/** After the first has answered, for the names of the others. */
const OTHERS_MS = 500;

export class Neighbours {
  readonly #broker: ServiceBroker;
  readonly #requireNats: () => Promise<void>;

  private constructor(broker: ServiceBroker, requireNats: () => Promise<void>) {
    this.#broker = broker;
    this.#requireNats = requireNats;
  }

  /** @throws StartupError in one line when NATS cannot be had */
  static async open(cluster: ClusterConfig, namespace: string): Promise<Neighbours> {
    const requireNats = async (): Promise<void> => {
      try {
        await checkNats(cluster.nats);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new StartupError(`NATS at ${cluster.nats.servers.join(",")}: ${reason}`, { cause: error });
      }
    };
    await requireNats();
    const nodeId = `restore-${hostname()}-${String(process.pid)}`;
    const broker = new ServiceBroker({
      ...clusterOptions({ cluster: { ...cluster, nodeId }, namespace }),
      ...{ logger: false, internalServices: false, skipProcessEventRegistration: true },
      metadata: { startedAt: new Date().toISOString(), version: RELEASE, ops: null },
    });
    await broker.start();
    return new Neighbours(broker, requireNats);
  }

  /** The ids of the other nodes, as soon as there are some; none when nobody was heard for so long. */
  async names(ms: number, signal: AbortSignal): Promise<string[]> {
    const { discoverer } = this.#broker.registry;
    await discoverer.discoverAllNodes();
    const end = performance.now() + ms;
    while (this.#others().length === 0 && performance.now() < end) {
      signal.throwIfAborted();
      await clock.sleep(POLL_MS);
    }
    if (this.#others().length > 0) await clock.sleep(OTHERS_MS);
    // Who hears nothing because NATS is away knows nothing.
    else await this.#requireNats();
    return this.#others();
  }

  close(): Promise<void> {
    return this.#broker.stop();
  }

  #others(): string[] {
    return othersOf(this.#broker)
      .map(({ id }) => id)
      .toSorted();
  }
}
