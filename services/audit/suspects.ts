// What looked wrong once. Only what still is when everything on its way must have arrived becomes a finding.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Check } from "./check.ts";
import type { Findings } from "./findings.ts";
import type { Probes } from "./probes.ts";
import type { Violation } from "./violation.ts";

interface Suspect {
  readonly found: Violation;
  readonly since: number;
  readonly dueAt: number;
  /** The probe that was sent after it was seen; null before. */
  readonly probe: number | null;
  readonly hasArrived: boolean;
}

/** More wait for the next walk. */
const MOST = 2_000;
/** Second looks of one round. */
const ROUND = 50;

const keyOf = ({ check, subject }: Violation): string => `${check} ${subject}`;

export interface SuspectTools {
  readonly checks: readonly Check[];
  readonly findings: Findings;
  readonly probes: Probes;
  readonly clock: Clock;
}

export class Suspects {
  readonly #tools: SuspectTools;
  readonly #waiting = new Map<string, Suspect>();
  #lastProbe: { readonly number: number; readonly at: number } | null = null;

  constructor(tools: SuspectTools) {
    this.#tools = tools;
  }

  add(found: Violation): void {
    const key = keyOf(found);
    if (this.#waiting.has(key) || this.#waiting.size >= MOST) return;
    const since = this.#tools.clock.now();
    this.#waiting.set(key, { found, since, dueAt: since + found.graceMs, probe: null, hasArrived: false });
  }

  /** The second looks that are due, a bounded number. @throws the first failure, after all others have had their turn */
  async round(): Promise<void> {
    const now = this.#tools.clock.now();
    const due = [...this.#waiting].filter(([, { dueAt }]) => dueAt <= now).slice(0, ROUND);
    const failed: unknown[] = [];
    for (const [key, suspect] of due) await this.#look(key, suspect).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }

  async #look(key: string, suspect: Suspect): Promise<void> {
    const { checks, findings } = this.#tools;
    const { check, subject, until } = suspect.found;
    const found = (await checks.find(({ name }) => name === check)?.look(subject, until)) ?? null;
    const isAwaited = found !== null && found.until !== null && !suspect.hasArrived;
    if (isAwaited) {
      this.#waiting.set(key, await this.#probed(suspect));
      return;
    }
    this.#waiting.delete(key);
    if (found !== null) await findings.report(found);
  }

  /** What has not come is missing only if something that was sent later has: then comes the last look, a while after. */
  async #probed(suspect: Suspect): Promise<Suspect> {
    const { probes, clock } = this.#tools;
    const dueAt = clock.now() + suspect.found.graceMs;
    if (suspect.probe !== null) return { ...suspect, dueAt, hasArrived: await probes.hasArrived(suspect.probe) };
    if (this.#lastProbe === null || this.#lastProbe.at <= suspect.since) {
      const number = await probes.send();
      if (number === null) return { ...suspect, dueAt };
      this.#lastProbe = { number, at: clock.now() };
    }
    return { ...suspect, dueAt, probe: this.#lastProbe.number };
  }
}
