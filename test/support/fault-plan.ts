// Enumerated faults: one run is repeated with the fault at each point it passes, so that no place to die is left out.
import type { Faults } from "./faulty-driver.ts";

/** "throws": the operation fails there, done or not. "dies": the process ends there, unless it is resumed: then it was only frozen. */
export type FaultKind = "throws" | "dies";

export interface FaultPlan {
  /** Points passed so far, over all processes. */
  readonly passed: () => number;
  /** A new process; the hooks of one that died never answer. */
  process(): FaultyProcess;
}
export interface FaultyProcess {
  point(): Promise<void>;
  readonly faults: Faults;
  /** Resolves when it dies. */
  readonly died: Promise<"died">;
  resume(): void;
}

/** The fault comes once, at the point numbered `at` from 0; `at` null: never, to count the points. */
export function planFault(kind: FaultKind, at: number | null): FaultPlan {
  let passed = 0;
  return {
    passed: () => passed,
    process() {
      let isDead = false;
      const { promise: died, resolve } = Promise.withResolvers<"died">();
      const frozen = Promise.withResolvers<undefined>();
      const resume = (): void => {
        isDead = false;
        frozen.resolve(undefined);
      };
      const point = async (): Promise<void> => {
        const isHere = passed === at;
        if (!isDead) passed += 1;
        if (!isDead && isHere && kind === "throws") throw new Error(`Fault at point ${String(at)}`);
        if (isHere && !isDead) {
          isDead = true;
          resolve("died");
        }
        if (isDead) await frozen.promise;
      };
      return { point, died, resume, faults: { before: point, after: point } };
    },
  };
}
