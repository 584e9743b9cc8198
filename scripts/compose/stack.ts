// A running docker-compose.yml under a project name of its own: counted, scaled, killed and taken away.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { freePort, isFree } from "../support/free-port.ts";
import { docker } from "./docker.ts";

const root = join(import.meta.dirname, "..", "..");
const WAITING = ["--wait", "--wait-timeout", "300"];

/** Waits for the end of its input: a line first means that the project is gone already. */
const TAKE_AWAY = `trap "" INT TERM HUP; read -r line || exec docker compose --project-name "$0" down --volumes --timeout 1`;

export interface StackOptions {
  /** Replicas by service; one of each that is left out. */
  readonly scale: Readonly<Record<string, number>>;
  /** For docker-compose.yml. */
  readonly env?: Readonly<Record<string, string>>;
  /** Compose files, from the folder of the first one on; docker-compose.yml of this repository when left out. */
  readonly files?: readonly [string, ...string[]];
}

export interface Container {
  readonly id: string;
  /** As Compose names it: order-2. */
  readonly name: string;
  readonly isRunning: boolean;
}

export class Stack {
  readonly project = `comptoir-test-${randomBytes(3).toString("hex")}`;
  readonly #scale: Record<string, number>;
  readonly #env: Readonly<Record<string, string>>;
  readonly #files: readonly [string, ...string[]];
  readonly #watchdog: () => void;

  private constructor({ scale, env = {}, files = [join(root, "docker-compose.yml")] }: StackOptions) {
    this.#scale = { ...scale };
    this.#env = env;
    this.#files = files;
    this.#watchdog = takeAwayWithThisProcess(this.project);
  }

  /** Builds the image and resolves once every container is healthy. @throws with their logs, and takes all away */
  static async start(options: StackOptions): Promise<Stack> {
    // Exactly as many ports as gateways: one that was killed can only come back on its own.
    const ports = await portRange(options.scale["gateway"] ?? 1);
    const env = {
      COMPTOIR_IMAGE: "comptoir:test",
      COMPTOIR_PUBLISH: `127.0.0.1:${ports}`,
      ...(await publishing("MAILPIT", "PROMETHEUS", "ALERTMANAGER")),
      ...options.env,
    };
    const stack = new Stack({ ...options, env });
    try {
      await stack.#up("--build");
      return stack;
    } catch (error) {
      const logs = await stack.#compose("logs", "--no-color", "--tail", "15").catch(() => "");
      await stack.down();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${logs}`, { cause: error });
    }
  }

  /** Resolves once the new replicas are healthy; the others are left alone. */
  async scale(service: string, replicas: number): Promise<void> {
    this.#scale[service] = replicas;
    await this.#up("--no-recreate");
  }

  /** Services that else run only with their profile; resolves once they are healthy. */
  async add(services: readonly string[]): Promise<void> {
    await this.#compose("up", "--detach", "--quiet-pull", ...WAITING, ...services);
  }

  async containers(service: string): Promise<Container[]> {
    const labels = [`project=${this.project}`, `service=${service}`];
    const filters = labels.flatMap(label => ["--filter", `label=com.docker.compose.${label}`]);
    const format = "{{.ID}} {{.Names}} {{.State}}";
    const lines = await docker(["ps", "--all", "--no-trunc", ...filters, "--format", format]);
    const found = lines.split("\n").filter(line => line !== "");
    return found
      .map(line => {
        const [id = "", name = "", state] = line.split(" ");
        return { id, name: name.slice(this.project.length + 1), isRunning: state === "running" };
      })
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  async container(name: string): Promise<Container> {
    const found = (await this.containers(name.replace(/-\d+$/, ""))).find(container => container.name === name);
    if (found === undefined) throw new Error(`There is no container ${name}`);
    return found;
  }

  /** The names of every service in docker-compose.yml. */
  async services(): Promise<string[]> {
    return (await this.#compose("config", "--services")).split("\n").sort();
  }

  /** http://HOST:PORT of every replica that publishes this port. */
  async urls(service: string, port: number): Promise<string[]> {
    const running = (await this.containers(service)).filter(({ isRunning }) => isRunning);
    const published = await Promise.all(running.map(({ id }) => docker(["port", id, `${String(port)}/tcp`])));
    return published.map(address => `http://${address.split("\n")[0] ?? ""}`);
  }

  /** SIGKILL to one container; Compose's own kill would hit every replica. */
  async kill(name: string): Promise<void> {
    await docker(["kill", "--signal", "KILL", (await this.container(name)).id]);
  }

  /** SIGTERM, and as long as its grace period lets it end by itself; resolves with its exit code. */
  async stop(name: string): Promise<number> {
    const { id } = await this.container(name);
    await docker(["stop", id]);
    return Number(await docker(["inspect", "--format", "{{.State.ExitCode}}", id]));
  }

  /** A killed or stopped container, as it was. */
  async startAgain(name: string): Promise<void> {
    await docker(["start", (await this.container(name)).id]);
  }

  async inspect(name: string): Promise<ContainerState> {
    const { id } = await this.container(name);
    const [state] = JSON.parse(await docker(["inspect", id])) as [ContainerState];
    return state;
  }

  /** Runs in a container that runs. */
  async execute(name: string, command: readonly string[]): Promise<string> {
    return docker(["exec", (await this.container(name)).id, ...command]);
  }

  /** A container more, until it ends by itself. @throws when that is not with exit code 0 */
  run(service: string): Promise<string> {
    return this.#compose("run", "--rm", "--no-deps", "-T", service);
  }

  logs(service: string): Promise<string> {
    return this.#compose("logs", "--no-color", "--no-log-prefix", service);
  }

  /** Containers, networks and volumes. */
  async down(): Promise<void> {
    await this.#compose("down", "--volumes", "--remove-orphans", "--timeout", "5");
    this.#watchdog();
  }

  async #up(...options: string[]): Promise<void> {
    const replicas = Object.entries(this.#scale).flatMap(([name, count]) => ["--scale", `${name}=${String(count)}`]);
    await this.#compose("up", "--detach", "--quiet-pull", ...options, ...WAITING, ...replicas);
  }

  #compose(...args: string[]): Promise<string> {
    const files = this.#files.flatMap(file => ["--file", file]);
    const options = { cwd: dirname(this.#files[0]), env: this.#env };
    return docker(["compose", "--project-name", this.project, ...files, ...args], options);
  }
}

/** A free port of this machine for each. */
async function publishing(...names: string[]): Promise<Record<string, string>> {
  const ports = await Promise.all(names.map(() => freePort()));
  return Object.fromEntries(names.map((name, index) => [`${name}_PUBLISH`, `127.0.0.1:${String(ports[index])}`]));
}

/** FIRST-LAST, all free. */
async function portRange(count: number): Promise<string> {
  for (;;) {
    const first = await freePort();
    const range = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(range.map(isFree));
    if (free.every(Boolean)) return `${String(first)}-${String(first + count - 1)}`;
  }
}

/** Of `docker inspect`, what is looked at. */
export interface ContainerState {
  readonly Id: string;
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
  readonly Config: { readonly User: string };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number | null;
  };
}

/** Nothing stays when this process ends, be it by kill -9. The result is called when nothing is left to take away. */
function takeAwayWithThisProcess(project: string): () => void {
  const watchdog = spawn("sh", ["-c", TAKE_AWAY, project], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.unref();
  const input = watchdog.stdin;
  if (input instanceof Socket) input.unref();
  input.on("error", () => undefined);
  return () => input.end("gone\n");
}
