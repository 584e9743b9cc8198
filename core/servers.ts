// Waits for the servers of a cluster before anything starts: a line per attempt, and an end.
import { once } from "node:events";
import pRetry from "p-retry";
import { adviceFor, plainly, type Prefix } from "./refusals.ts";
import { StartupError } from "./startup-error.ts";

export interface ServerCheck {
  /** "NATS nats:4222": what a person calls it and where it is, without a password. */
  readonly name: string;
  /** Of the settings that say how to be let in. */
  readonly prefix: Prefix;
  /** One attempt, which ends by itself within a few seconds. @throws Error whose message says why in one line */
  readonly attempt: () => Promise<void>;
}

interface WaitOptions {
  readonly timeoutMs: number;
  /** The setting that `timeoutMs` comes from. */
  readonly setting: string;
  readonly say: (line: string) => void;
  /** For the pauses, in ms. */
  readonly pause?: { readonly first: number; readonly longest: number };
}

const reasonOf = (error: Error): string => plainly(error.message) || error.name;
const secondsOf = (ms: number): string => `${String(Math.max(0, Math.round(ms / 1000)))} s`;

async function waitForOne({ name, prefix, attempt }: ServerCheck, options: WaitOptions): Promise<void> {
  const { timeoutMs, setting, say, pause = { first: 250, longest: 2_000 } } = options;
  const until = performance.now() + timeoutMs;
  let last: Error | undefined;
  const refused = (error: Error): boolean => adviceFor(reasonOf(error), prefix) !== null;
  const giveUp = (): StartupError => {
    const reason = last === undefined ? "no answer" : reasonOf(last);
    const advice = adviceFor(reason, prefix);
    const what = advice === null ? "did not answer" : "did not let this node in";
    const next = advice ?? `start it, or give it longer with ${setting}`;
    return new StartupError(`${name} ${what} within ${secondsOf(timeoutMs)} (${reason}): ${next}`);
  };
  const signal = AbortSignal.timeout(timeoutMs);
  const answered = pRetry(attempt, {
    retries: Infinity,
    minTimeout: pause.first,
    maxTimeout: pause.longest,
    factor: 2,
    randomize: true,
    signal,
    onFailedAttempt: ({ error, attemptNumber }) => {
      // A refusal says more than a silence after it.
      if (last === undefined || refused(error) || !refused(last)) last = error;
      const left = secondsOf(until - performance.now());
      say(`waiting for ${name}: ${reasonOf(error)} (attempt ${String(attemptNumber)}, ${left} left)`);
    },
  });
  // Also when an attempt itself never ends.
  const over = once(signal, "abort").then(() => Promise.reject(signal.reason as Error));
  await Promise.race([answered, over]).catch(() => {
    throw giveUp();
  });
}

/** Resolves once every server has answered. @throws StartupError naming the first that did not in time. */
export async function waitForServers(servers: readonly ServerCheck[], options: WaitOptions): Promise<void> {
  await Promise.all(servers.map(server => waitForOne(server, options)));
}
