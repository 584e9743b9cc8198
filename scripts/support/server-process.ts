// A server as a child of this process: killed, frozen and started again at will.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { endWithThisProcess } from "./watchdog.ts";

/** A Java server on a machine that does much else. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 25;

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Of its log and data. */
  readonly folder: string;
  /** Deleted when it is stopped. */
  readonly isTemporary: boolean;
  readonly port: number;
  /** What clients take: nats://…, mongodb://…, for Kafka host:port. */
  readonly url: string;
  /** What it logs when it serves. */
  readonly ready: RegExp;
}

/** It does not keep this process alive, and ends with it. */
export class Server {
  readonly url: string;
  readonly port: number;
  readonly #launch: Launch;
  #process: ChildProcess;

  private constructor(launch: Launch, process: ChildProcess) {
    this.#launch = launch;
    this.#process = process;
    this.url = launch.url;
    this.port = launch.port;
  }

  /** Resolves once it serves. @throws with the end of its log when it does not */
  static async start(launch: Launch): Promise<Server> {
    mkdirSync(launch.folder, { recursive: true });
    return new Server(launch, await run(launch));
  }

  /** Of now: another one after a restart. */
  get process(): ChildProcess {
    return this.#process;
  }

  /** HOST:PORT, for a proxy before it. */
  get address(): string {
    return `127.0.0.1:${String(this.port)}`;
  }

  /** Of its log and data. */
  get folder(): string {
    return this.#launch.folder;
  }

  log(): string {
    return readFileSync(logOf(this.#launch), "utf8");
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    await ended(this.#process, "SIGKILL");
  }

  /** SIGSTOP: its connections stay and nothing answers. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  /** For good: its folder goes too when it is a temporary one. */
  async stop(): Promise<void> {
    await this.#end();
    if (this.#launch.isTemporary) rmSync(this.#launch.folder, { recursive: true, force: true });
  }

  /** On the same port, with the same data; ends it first when it runs. */
  async restart(): Promise<void> {
    if (!existsSync(this.#launch.folder)) throw new Error(`${this.#launch.name} was stopped, and its data is gone`);
    await this.#end();
    this.#process = await run(this.#launch);
  }

  /** SIGTERM, also of a frozen one; kill -9 when that takes longer than 10 s. */
  async #end(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.thaw();
    await ended(this.#process, "SIGTERM");
    clearTimeout(timer);
  }
}

const logOf = ({ folder, name }: Launch): string => join(folder, `${name}.log`);

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  // Else a process with nothing else to do would end instead of waiting.
  child.ref();
  child.kill(signal);
  await exited;
}

async function run(launch: Launch): Promise<ChildProcess> {
  const file = logOf(launch);
  const before = existsSync(file) ? statSync(file).size : 0;
  const log = openSync(file, "a");
  // In a process group of its own: Ctrl-C is for this process, which ends its servers in order.
  const child = spawn(launch.command, launch.args, { stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  endWithThisProcess(child);
  child.unref();
  const written = (): string => readFileSync(file).subarray(before).toString();
  await Promise.race([failed, serves(child, launch, written)]);
  return child;
}

async function serves(child: ChildProcess, { name, ready }: Launch, written: () => string): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS;
  while (!ready.test(written())) {
    const isGone = child.exitCode !== null || child.signalCode !== null;
    if (isGone || Date.now() > end) {
      child.kill("SIGKILL");
      const why = isGone ? "ended before it was ready" : `was not ready within ${String(START_TIMEOUT_MS / 1000)} s`;
      throw new Error(`${name} ${why}:\n${written().slice(-2_000)}`);
    }
    await pause(POLL_MS);
  }
}
