// What goes wrong, decided by the seed. Each seed has its own profile (some kinds of fault strong, some absent), because
// rare combinations are found by runs that differ. Source: Groce et al., "Swarm Testing" (ISSTA 2012).
import type { Chance } from "./chance.ts";

/** What becomes of one operation on something durable. Times in ms. */
export interface OperationFate {
  /** Until it takes effect. */
  readonly before: number;
  /** From then until the asker is told. */
  readonly after: number;
  /**
   * done: it happens and is answered. lost: it never happens. unanswered: it happens. late: it happens long after the
   * asker gave up. The last three are told as an error, and the asker cannot tell which one it was.
   */
  readonly outcome: "done" | "lost" | "unanswered" | "late";
  /** Whether it still happens when the asker dies first. */
  readonly survives: boolean;
}

/** What becomes of one call to a service. Times in ms. */
export interface CallFate {
  /** How long the request travels; null: it is lost. */
  readonly request: number | null;
  /** The same for the answer. */
  readonly answer: number | null;
  /** When the same request arrives once more; null: never. */
  readonly again: number | null;
}

export interface Faults {
  operation(database: string, collection: string, kind: string): OperationFate;
  call(action: string): CallFate;
  /** Which of several writes of one operation took effect, when nobody is told. */
  partly(): boolean;
}

interface Profile {
  readonly slow: number;
  readonly unanswered: number;
  readonly lost: number;
  readonly late: number;
  readonly lostRequest: number;
  readonly lostAnswer: number;
  readonly repeated: number;
  readonly straggling: number;
  readonly providerDown: { readonly from: number; readonly to: number };
}

const LONG = 2_500;
const STRAGGLER = 9_000;

function profileOf(chance: Chance, start: number): Profile {
  const rate = (most: number): number => (chance.happens(0.65) ? most * chance.fraction() : 0);
  const from = start + chance.between(0, 10_000);
  return {
    slow: rate(0.06),
    unanswered: rate(0.06),
    lost: rate(0.05),
    late: rate(0.04),
    lostRequest: rate(0.08),
    lostAnswer: rate(0.1),
    repeated: rate(0.15),
    straggling: rate(0.06),
    providerDown: { from, to: chance.happens(0.4) ? from + chance.between(500, 9_000) : from },
  };
}

const calmOperation: OperationFate = { before: 0, after: 0, outcome: "done", survives: true };
const calmCall: CallFate = { request: 0, answer: 0, again: null };

export const noFaults: Faults = { operation: () => calmOperation, call: () => calmCall, partly: () => true };

/** @param now the virtual time */
export function randomFaults(chance: Chance, now: () => number): Faults {
  const profile = profileOf(chance.fork("profile"), now());
  const draw = chance.fork("draws");
  const delay = (slow: number): number => (draw.happens(slow) ? draw.between(5, LONG) : draw.between(0, 4));

  function outcomeOf(database: string, kind: string): OperationFate["outcome"] {
    if (database === "provider" && now() >= profile.providerDown.from && now() < profile.providerDown.to) return "lost";
    const { lost, unanswered, late } = profile;
    const sort = draw.fraction();
    if (sort < lost) return "lost";
    if (sort < lost + unanswered) return "unanswered";
    return sort < lost + unanswered + late && kind === "write" ? "late" : "done";
  }

  return {
    operation(database, _collection, kind) {
      const outcome = outcomeOf(database, kind);
      return { before: delay(profile.slow), after: delay(profile.slow), outcome, survives: draw.happens(0.5) };
    },
    call() {
      const request = draw.happens(profile.lostRequest)
        ? null
        : draw.happens(profile.straggling)
          ? draw.between(100, STRAGGLER)
          : delay(profile.slow);
      const answer = draw.happens(profile.lostAnswer) ? null : delay(profile.slow);
      return { request, answer, again: draw.happens(profile.repeated) ? draw.between(0, STRAGGLER) : null };
    },
    partly: () => draw.happens(0.5),
  };
}
