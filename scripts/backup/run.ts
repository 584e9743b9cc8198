// How both tools end: a code, and one line that says what is wrong and what is half done.
import { ConfigError } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { ShopError } from "../import/client.ts";
import { INTERRUPTED, interruptible } from "../support/administrator.ts";
import { UnfinishedRestoreError } from "./unfinished.ts";

const isForTheUser = (error: unknown): error is Error =>
  error instanceof ShopError || error instanceof StartupError || error instanceof ConfigError;

/** A full disk or a folder that cannot be written comes from the system. */
const isOfTheSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && "code" in error;

/**
 * @param stopped what is true when it was stopped in time
 * @param work resolves with what goes to stdout as one line of JSON
 */
export async function run(
  name: string,
  stopped: string,
  work: (signal: AbortSignal) => Promise<object>,
): Promise<void> {
  process.umask(0o077);
  const { signal } = interruptible();
  try {
    process.stdout.write(`${JSON.stringify(await work(signal))}\n`);
  } catch (error) {
    if (!signal.aborted && !isForTheUser(error) && !isOfTheSystem(error)) throw error;
    const isInTime = signal.aborted && !(error instanceof UnfinishedRestoreError);
    process.stderr.write(`${name}: ${isInTime ? `stopped, ${stopped}` : (error as Error).message}\n`);
    process.exitCode = signal.aborted ? INTERRUPTED : 1;
  }
}
