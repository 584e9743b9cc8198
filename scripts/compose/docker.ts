// The docker command, and a machine on which it works.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const scripts = join(import.meta.dirname, "..", "docker");
const MAX_OUTPUT = 64 * 1024 * 1024;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves with what it wrote to stdout. @throws with what it wrote to stderr */
async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  // Docker finds its configuration and its engine by the environment: ours is only added.
  const settings = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  try {
    const { stdout } = await execute("env", [...settings, command, ...args], {
      cwd: options.cwd,
      maxBuffer: MAX_OUTPUT,
    });
    return stdout.trim();
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Error(`${[command, ...args].join(" ")}:\n${said.slice(-4_000)}`, { cause: error });
  }
}

export const docker = (args: readonly string[], options?: CommandOptions): Promise<string> =>
  run("docker", args, options);

/** Brings up what is missing: the engine, and every image that cannot be pulled. @throws saying who can help */
export async function requireDocker(): Promise<void> {
  await run(join(scripts, "engine.sh"), ["start"]);
  await run(join(scripts, "images.sh"), []);
}
