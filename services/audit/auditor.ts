// Walks through each check for ever, looks again at what was suspected, and keeps the findings up to date.
import type { CheckName, CheckRun } from "../../core/contracts/audit.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { write, type DocumentStore } from "../../core/store/port.ts";
import type { Check } from "./check.ts";
import type { Findings } from "./findings.ts";
import { createPace } from "./pace.ts";
import type { Suspects } from "./suspects.ts";

export interface AuditorTools {
  readonly checks: readonly Check[];
  readonly suspects: Suspects;
  readonly findings: Findings;
  readonly runs: DocumentStore<CheckRun>;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly isBusy: () => boolean;
  readonly onRun: (run: CheckRun, open: number) => void;
  readonly onError: (check: CheckName | "suspects", error: unknown) => void;
}

const SUSPECTS_EVERY_MS = 2_000;
/** While more are due: the shop has its turn in between. */
const MORE_SUSPECTS_MS = 100;
/** The other services start with this one. */
const START_MS = 5_000;
const neverRun = (check: CheckName): CheckRun => ({
  check,
  finishedAt: null,
  durationMs: null,
  looked: 0,
  error: null,
});

export class Auditor {
  readonly #tools: AuditorTools;
  #ended: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #stop: () => void = () => undefined;
  readonly #stopping: Promise<void>;

  constructor(tools: AuditorTools) {
    this.#tools = tools;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#stopping = promise;
    this.#stop = () => {
      resolve(undefined);
    };
  }

  start(): void {
    this.#ended = Promise.all([...this.#tools.checks.map(check => this.#repeat(check)), this.#lookAgain()]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop();
    await this.#ended;
  }

  /** One walk of a check, and a look at what it found before. */
  async run(check: Check, pause: () => Promise<void> = () => Promise.resolve()): Promise<CheckRun> {
    const { suspects, runs, clock, onRun } = this.#tools;
    const startedAt = clock.now();
    let looked = 0;
    let error: string | null = null;
    try {
      await check.scan({
        page: async (found, count) => {
          looked += count;
          for (const violation of found) if (violation !== null) suspects.add(violation);
          if (this.#stopped) throw new StoppedError();
          await pause();
        },
      });
    } catch (thrown) {
      if (thrown instanceof StoppedError) return neverRun(check.name);
      this.#tools.onError(check.name, thrown);
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
    const open = await this.#lookAtOpen(check);
    const finishedAt = clock.now();
    const ended = { finishedAt: timestamp(finishedAt), durationMs: finishedAt - startedAt, looked };
    const { document } = await runs.update(check.name, current => {
      const before = current?.state ?? neverRun(check.name);
      return write(error === null ? { check: check.name, ...ended, error } : { ...before, error }, [], null);
    });
    const run = document?.state ?? neverRun(check.name);
    onRun(run, open);
    return run;
  }

  /** How many are still open. What cannot be looked at stays open. */
  async #lookAtOpen(check: Check): Promise<number> {
    const { findings, onError } = this.#tools;
    let open = 0;
    for (const { id, state } of await findings.open(check.name)) {
      if (this.#stopped) break;
      open += 1;
      try {
        const found = await check.look(state.subject, state.until);
        if (found === null) {
          await findings.resolve(id);
          open -= 1;
        } else await findings.report(found);
      } catch (error) {
        onError(check.name, error);
      }
    }
    return open;
  }

  async #repeat(check: Check): Promise<void> {
    const { clock, intervalMs, isBusy, onError } = this.#tools;
    const pace = createPace(clock, intervalMs, isBusy);
    await this.#sleep(Math.min(START_MS, intervalMs));
    while (!this.#stopped) {
      pace.start();
      const pause = () => Promise.race([pace.page(), this.#stopping]);
      await this.run(check, pause).catch((error: unknown) => {
        onError(check.name, error);
      });
      await this.#sleep(pace.rest());
    }
  }

  async #lookAgain(): Promise<void> {
    while (!this.#stopped) {
      const isMore = await this.#tools.suspects
        .round(() => this.#stopped)
        .catch((error: unknown) => {
          this.#tools.onError("suspects", error);
          return false;
        });
      await this.#sleep(isMore ? MORE_SUSPECTS_MS : SUSPECTS_EVERY_MS);
    }
  }

  #sleep(ms: number): Promise<void> {
    return this.#stopped ? Promise.resolve() : Promise.race([this.#tools.clock.sleep(ms), this.#stopping]);
  }
}

class StoppedError extends Error {}
