// What a failed call tells: whether it began, whether it may be asked again, and whether its node is to blame.
import { Errors } from "moleculer";
import { codeOf } from "./errors.ts";
import type { Policy } from "./policy.ts";

/**
 * `not begun`: no handler ran, and none will. `gone`: the node that ran it is away, nobody knows how far it came.
 * `timeout`: nobody knows either, and the time of this attempt is over. `answered`: anything else, and whatever
 * happened to a call that the handler made itself: that hop has dealt with it, so repeats do not multiply over hops.
 */
export type Failure = "not begun" | "gone" | "timeout" | "answered";

/** By Moleculer's names of them: a class does not survive the wire, its type does. */
const kinds: ReadonlyMap<unknown, Failure> = new Map<unknown, Failure>([
  ["SERVICE_NOT_FOUND", "not begun"],
  ["SERVICE_NOT_AVAILABLE", "not begun"],
  ["QUEUE_FULL", "not begun"],
  ["REQUEST_REJECTED", "gone"],
  ["REQUEST_TIMEOUT", "timeout"],
]);

/** @param action the one that was called: an error about another comes from further down. */
export function failureOf(error: unknown, action: string): Failure {
  if (!(error instanceof Error)) return "answered";
  const { type, data } = error as { type?: unknown; data?: { action?: unknown } };
  return data?.action === action ? (kinds.get(type) ?? "answered") : "answered";
}

/** @param keyed whether the call carries an Idempotency-Key. */
export function mayRepeat(failure: Failure, policy: Policy, keyed: boolean): boolean {
  if (failure === "answered") return false;
  if (failure === "not begun") return true;
  const harmless = policy.repeatable === "always" || (policy.repeatable === "with a key" && keyed);
  return harmless && (failure === "gone" || policy.afterTimeout);
}

/** A refusal of ours is an answer: only INTERNAL_ERROR says that something is broken. */
const isRefusal = (error: unknown): boolean => (codeOf(error) ?? "INTERNAL_ERROR") !== "INTERNAL_ERROR";

/**
 * Whether a failed call speaks against its node.
 * @param given how long the attempt had, in ms: one that got less than half of its time tells about its caller.
 */
export function speaksAgainst(error: unknown, action: string, given: number, policy: Policy): boolean {
  const failure = failureOf(error, action);
  if (failure === "timeout") return given * 2 >= policy.timeoutMs;
  if (failure !== "answered" || isRefusal(error)) return false;
  // Of a call further down: its own hop has counted it.
  if (kinds.has((error as { type?: unknown }).type)) return false;
  // A raw database error may carry a `code` of 11000: only Moleculer's own classes count.
  return error instanceof Errors.MoleculerError && error.code >= 500 && error.code <= 599;
}
