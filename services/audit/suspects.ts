// What looked wrong once. Only what still is when everything on its way must have arrived becomes a finding.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Check } from "./check.ts";
import type { Findings } from "./findings.ts";
import { isPast, markOf, type Mark, type Progress } from "./progress.ts";
import type { Violation } from "./violation.ts";

interface Suspect {
  readonly found: Violation;
  readonly dueAt: number;
  /** Where the log ended after a second look had not found it either; null before. */
  readonly mark: Mark | null;
  readonly hasArrived: boolean;
  /** A look could not be made: whoever was asked was away, and what is on its way through them is later. */
  readonly wasAway: boolean;
}

/** More wait for the next walk. */
const MOST = 2_000;
/** Second looks of one round, and of those at once. */
const ROUND = 50;
const AT_ONCE = 8;

const keyOf = ({ check, subject }: Violation): string => `${check} ${subject}`;

export interface SuspectTools {
  readonly checks: readonly Check[];
  readonly findings: Findings;
  readonly progress: Progress;
  readonly clock: Clock;
}

export class Suspects {
  readonly #tools: SuspectTools;
  readonly #waiting = new Map<string, Suspect>();

  constructor(tools: SuspectTools) {
    this.#tools = tools;
  }

  add(found: Violation): void {
    const key = keyOf(found);
    if (this.#waiting.has(key) || this.#waiting.size >= MOST) return;
    const dueAt = this.#tools.clock.now() + found.graceMs;
    this.#waiting.set(key, { found, dueAt, mark: null, hasArrived: false, wasAway: false });
  }

  /**
   * The second looks that are due, a bounded number.
   * @returns whether more may be due: after an outage there are thousands, and something may really be wrong behind them
   * @throws the first failure, after all others have had their turn
   */
  async round(isStopped: () => boolean = () => false): Promise<boolean> {
    const now = this.#tools.clock.now();
    const due = [...this.#waiting].filter(([, { dueAt }]) => dueAt <= now).slice(0, ROUND);
    const failed: unknown[] = [];
    const awaited: Suspect[] = [];
    const lookAt = async ([key, suspect]: (typeof due)[number]): Promise<void> => {
      try {
        if (await this.#isAwaited(key, suspect)) awaited.push(suspect);
      } catch (error) {
        // Behind the others, as whatever cannot be decided now.
        this.#postpone({ ...suspect, wasAway: true });
        failed.push(error);
      }
    };
    for (let from = 0; from < due.length && !isStopped(); from += AT_ONCE)
      await Promise.all(due.slice(from, from + AT_ONCE).map(lookAt));
    await this.#await(awaited).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
    return due.length === ROUND;
  }

  /** Whether it may still come; anything else is decided now, or a grace after those who are asked are back. */
  async #isAwaited(key: string, suspect: Suspect): Promise<boolean> {
    const { checks, findings } = this.#tools;
    const { check, subject, until } = suspect.found;
    const found = (await checks.find(({ name }) => name === check)?.look(subject, until)) ?? null;
    if (found !== null && found.until !== null && !suspect.hasArrived) return true;
    if (found !== null && suspect.wasAway) {
      this.#postpone({ ...suspect, wasAway: false });
      return false;
    }
    this.#waiting.delete(key);
    if (found !== null) await findings.report(found);
    return false;
  }

  /**
   * What has not come is missing only if the log has delivered what it had after the look: then comes the last look, a
   * while after. @throws while the bridge cannot say how far it is
   */
  async #await(suspects: readonly Suspect[]): Promise<void> {
    if (suspects.length === 0) return;
    const { progress } = this.#tools;
    // Behind the others in any case: what cannot be decided now must not keep them from their turn.
    for (const suspect of suspects) this.#postpone(suspect);
    const positions = await progress.positions();
    for (const suspect of suspects) {
      const { mark } = suspect;
      this.#postpone({
        ...suspect,
        ...(mark === null ? { mark: markOf(positions) } : { hasArrived: isPast(positions, mark) }),
      });
    }
  }

  #postpone(suspect: Suspect): void {
    const { found } = suspect;
    const key = keyOf(found);
    this.#waiting.delete(key);
    this.#waiting.set(key, { ...suspect, dueAt: this.#tools.clock.now() + found.graceMs });
  }
}
