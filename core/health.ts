// What this node needs and whether it is there: named checks, asked again and again, and states that others report.
import type { Clock } from "./kernel/clock.ts";
import { createLoop } from "./loop.ts";

export interface HealthOptions {
  /** Whether the node must get no traffic while this fails; otherwise it is ready but degraded. */
  readonly critical: boolean;
}
/** @throws Error (by rejecting) whose message says in a few words what is wrong. */
export type Check = () => Promise<unknown>;
/** Hears of every change; `problem` is null when all is well again. */
export type HealthListener = (name: string, problem: string | null) => void;

const EVERY_MS = 2_000;
/** Of one check: the databases answer or reject within 2 s by themselves. */
const CHECK_MS = 2_500;

interface Entry {
  readonly critical: boolean;
  readonly check: Check | null;
  problem: string | null;
  running: boolean;
  /** That all is well from the beginning is no news. */
  isNew: boolean;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");

export class Health {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<HealthListener>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A check that is asked every 2 s. Until its first answer it counts as failing. */
  register(name: string, check: Check, { critical }: HealthOptions): void {
    this.#entries.set(name, { critical, check, problem: "not checked yet", running: false, isNew: true });
  }

  /** The state of something that tells by itself when it changes; null: all is well. */
  report(name: string, problem: string | null, { critical }: HealthOptions): void {
    const entry = this.#entries.get(name) ?? { critical, check: null, problem: null, running: false, isNew: true };
    this.#entries.set(name, entry);
    this.#set(name, entry, problem);
  }

  /** A state that several tell of: it fails while it does for one of them. */
  shared(name: string, options: HealthOptions): (who: string, problem: string | null) => void {
    const problems = new Map<string, string>();
    return (who, problem) => {
      if (problem === null) problems.delete(who);
      else problems.set(who, problem);
      const [first = null] = problems.values();
      this.report(name, first, options);
    };
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }

  /** Why this node must get no traffic. */
  get reasons(): readonly string[] {
    return this.#failing(true);
  }
  /** What is missing without making it useless. */
  get degraded(): readonly string[] {
    return this.#failing(false);
  }

  onChange(listener: HealthListener): void {
    this.#listeners.add(listener);
  }

  /** One round over all checks. Never rejects; a check that still runs from the last round is not started again. */
  async poll(): Promise<void> {
    await Promise.all([...this.#entries].map(([name, entry]) => this.#ask(name, entry)));
  }

  /** Polls until it is stopped. */
  start(): { stop(): Promise<void> } {
    const loop = createLoop(this.#clock, EVERY_MS);
    loop.start(
      () => this.poll(),
      () => undefined,
    );
    return loop;
  }

  async #ask(name: string, entry: Entry): Promise<void> {
    const { check } = entry;
    if (check === null || entry.running) return;
    entry.running = true;
    const answer = Promise.resolve()
      .then(check)
      .then(() => null, messageOf)
      .finally(() => {
        entry.running = false;
      });
    const late = this.#clock.sleep(CHECK_MS).then(() => `no answer within ${String(CHECK_MS / 1000)} s`);
    const problem = await Promise.race([answer, late]);
    if (this.#entries.get(name) === entry) this.#set(name, entry, problem);
  }

  #set(name: string, entry: Entry, problem: string | null): void {
    const before = entry.isNew ? null : entry.problem;
    const changed = (before === null) !== (problem === null);
    entry.problem = problem;
    entry.isNew = false;
    if (changed) for (const listener of this.#listeners) listener(name, problem);
  }

  #failing(critical: boolean): string[] {
    return [...this.#entries].flatMap(([name, entry]) =>
      entry.critical === critical && entry.problem !== null ? [`${name}: ${entry.problem}`] : [],
    );
  }
}
