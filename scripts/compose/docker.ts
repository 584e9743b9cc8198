// The docker command, and a machine on which it works.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const scripts = join(root, "scripts", "docker");
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

const isHere = (image: string): Promise<boolean> =>
  docker(["image", "inspect", image]).then(
    () => true,
    () => false,
  );

/** Brings up what is missing of the images of a profile. Resolves with its services whose image cannot be had here. */
export async function servicesWithoutImage(profile: string): Promise<string[]> {
  await run(join(scripts, "images.sh"), [profile]).catch(() => undefined);
  const config = await docker(["compose", "--profile", profile, "config", "--format", "json"], { cwd: root });
  const { services } = JSON.parse(config) as {
    services: Record<string, { readonly image: string; readonly profiles?: readonly string[] }>;
  };
  const own = Object.entries(services).filter(([, { profiles }]) => profiles?.includes(profile) === true);
  const missing = await Promise.all(own.map(async ([name, { image }]) => ((await isHere(image)) ? [] : [name])));
  return missing.flat();
}
