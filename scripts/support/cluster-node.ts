// One node of a test's cluster: ended, killed and started again under its name and address.
import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { startNode, type NodeProcess } from "./node-process.ts";

/** A node that starts beside three others takes seconds, on a machine that does much else a minute. */
const START_TIMEOUT_MS = 180_000;
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

export interface NodePlace {
  /** Its node id in the cluster. */
  readonly name: string;
  /** Empty for all of them. */
  readonly services: readonly string[];
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  /** Of another release. */
  readonly root?: string;
}

/** As its ops port tells. */
interface Readiness {
  readonly status: string;
  readonly degraded: readonly string[];
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

  /** Resolves once its ops port says that it takes work. @throws with its reasons when it does not in time */
  untilReady(timeoutMs?: number): Promise<void> {
    return this.#until(({ status }) => status === "ready", timeoutMs);
  }

  /** Resolves once it takes work and misses none of these services: a gateway is ready without them. @throws as `untilReady` */
  untilFound(services: readonly string[]): Promise<void> {
    const isOf = (problem: string): boolean => services.some(name => problem.includes(`v1.${name}`));
    return this.#until(({ status, degraded }) => status === "ready" && !degraded.some(isOf));
  }

  async #until(isDone: (said: Readiness) => boolean, timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const said = (await (await fetch(`${this.opsUrl}/ready`)).json()) as Readiness;
      if (isDone(said)) return;
      if (Date.now() > end) throw new Error(`${this.name} is not ready: ${JSON.stringify(said)}`);
      await pause(POLL_MS);
    }
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

async function run({ name, services, data, env, root }: NodePlace): Promise<NodeProcess> {
  const own = { COMPTOIR_NODE_ID: name, ...(services.length > 0 ? { SERVICES: services.join(",") } : {}) };
  try {
    return await startNode({
      ...{ data, env: { ...env, ...own }, timeoutMs: START_TIMEOUT_MS },
      ...(root === undefined ? {} : { root }),
    });
  } catch (error) {
    throw new Error(`${name} did not start`, { cause: error });
  }
}
