// One node of a test's cluster: ended, killed and started again under its name and address.
import type { ChildProcess } from "node:child_process";
import { startNode, type NodeProcess } from "./node-process.ts";

/** On two cores a node that starts beside three others takes several seconds. */
const START_TIMEOUT_MS = 90_000;

export interface NodePlace {
  /** Its node id in the cluster. */
  readonly name: string;
  /** Empty for all of them. */
  readonly services: readonly string[];
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
}

export class ClusterNode {
  readonly #place: NodePlace;
  #running: NodeProcess;
  #earlier = "";

  private constructor(place: NodePlace, running: NodeProcess) {
    this.#place = place;
    this.#running = running;
  }

  /** Resolves once it is ready. @throws with its log when it is not */
  static async start(place: NodePlace): Promise<ClusterNode> {
    return new ClusterNode(place, await run(place));
  }

  get name(): string {
    return this.#place.name;
  }

  get services(): readonly string[] {
    return this.#place.services;
  }

  /** Of its gateway, the same after a restart; null without one. */
  get url(): string | null {
    return this.#running.url;
  }

  /** Another one after a restart. */
  get opsUrl(): string {
    return this.#running.opsUrl;
  }

  /** Another one after a restart. */
  get process(): ChildProcess {
    return this.#running.process;
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** All that it wrote to stderr, over its restarts. */
  log(): string {
    return this.#earlier + this.#running.log();
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#running.end("SIGKILL");
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#running.end("SIGTERM");
  }

  /** Under the same name and address; stops it first when it runs. Resolves once it is ready. */
  async restart(): Promise<void> {
    if (this.isRunning) await this.stop();
    const running = await run(this.#place);
    this.#earlier += this.#running.log();
    this.#running = running;
  }
}

async function run({ name, services, data, env }: NodePlace): Promise<NodeProcess> {
  const own = { COMPTOIR_NODE_ID: name, ...(services.length > 0 ? { SERVICES: services.join(",") } : {}) };
  try {
    return await startNode({ data, env: { ...env, ...own }, timeoutMs: START_TIMEOUT_MS });
  } catch (error) {
    throw new Error(`${name} did not start`, { cause: error });
  }
}
