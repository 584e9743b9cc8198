// What has no series of its own is counted as `other`, and then no dashboard shows its name: the log says that, and why.
import { onOverflow } from "./registry.ts";

interface Logger {
  warn(message: string, bound: { metric: string; label: string; atMost: number }): void;
}

const ADVICE =
  'what comes from now on counts as "other". Find what makes so many, or raise the bound in core/metrics/bounds.ts';

/** A line for each bound that is too small, once: the registry tells of each only the first time. @returns what ends it */
export const logOverflows = (logger: Logger): (() => void) =>
  onOverflow((metric, label, atMost) => {
    logger.warn(`${metric} has more than ${String(atMost)} values of ${label}: ${ADVICE}`, { metric, label, atMost });
  });
