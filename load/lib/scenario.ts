// Open models: arrivals come at their rate whether or not the shop keeps up, as customers do.
import type { Options } from "k6/options";
import { testid } from "./settings.ts";

/** Seconds that an iteration may take before arrivals find no virtual user free and count as not sent. */
const LONGEST_S = 2;
const USUAL_S = 0.25;
/**
 * What an order takes while an overload begins and the first are let in as a burst. Given as the usual time: k6 makes more
 * virtual users so slowly that many arrivals would find none.
 */
export const BURST_S = 2;

export interface Arrivals {
  readonly rate: number;
  /** Seconds. */
  readonly duration: number;
  /** How long one takes when all is well, in seconds. */
  readonly usual?: number;
}

const users = (rate: number, usual: number) => ({
  preAllocatedVUs: Math.ceil(rate * usual) + 5,
  maxVUs: Math.ceil(rate * Math.max(LONGEST_S, 2 * usual)) + 5,
});

/** k6 counts in whole iterations: 2.5/s are 25 in 10 s. */
const perTenSeconds = (rate: number): number => Math.max(1, Math.round(rate * 10));

export const constantArrivals = ({ rate, duration, usual = USUAL_S }: Arrivals) => ({
  executor: "constant-arrival-rate" as const,
  rate: perTenSeconds(rate),
  timeUnit: "10s",
  duration: `${String(duration)}s`,
  ...users(rate, usual),
});

export interface Stage {
  readonly rate: number;
  readonly duration: number;
}

/** A stair: each stage holds its rate. @param usual as for arrivals, at the highest rate */
export const stairs = (stages: readonly Stage[], usual = USUAL_S) => ({
  executor: "ramping-arrival-rate" as const,
  startRate: perTenSeconds(stages[0]?.rate ?? 1),
  timeUnit: "10s",
  stages: stages.flatMap(({ rate, duration }) => [
    { target: perTenSeconds(rate), duration: "0s" },
    { target: perTenSeconds(rate), duration: `${String(duration)}s` },
  ]),
  ...users(Math.max(...stages.map(({ rate }) => rate)), usual),
});

/** Together with their own: what holds for every run. */
export const common = {
  setupTimeout: "3m",
  teardownTimeout: "15m",
  discardResponseBodies: true,
  summaryTrendStats: ["avg", "p(50)", "p(90)", "p(99)", "max"],
  // Without it two runs would write the same series.
  tags: { testid: testid() },
  systemTags: ["name", "method", "status", "scenario", "expected_response", "error_code"],
} satisfies Options;

/** Of every run that places orders. */
export const kept = {
  invariants_broken: ["count==0"],
  orders_failed: ["count==0"],
  refusals_without_retry_after: ["count==0"],
};
