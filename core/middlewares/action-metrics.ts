// What this node does, by action: how often, how long, with which errors, and how much at once.
import { performance } from "node:perf_hooks";
import type { ActionHandler, Context, Middleware } from "moleculer";
import { codeOf } from "../errors.ts";
import { currentTraceId } from "../tracing/scope.ts";
import { counter, gauge, histogram } from "../metrics/registry.ts";

/** As Moleculer names what our catalogue has a code for. */
const codes: ReadonlyMap<unknown, string> = new Map([
  ["VALIDATION_ERROR", "VALIDATION_FAILED"],
  ["SERVICE_NOT_FOUND", "SERVICE_UNAVAILABLE"],
  ["SERVICE_NOT_AVAILABLE", "SERVICE_UNAVAILABLE"],
  ["REQUEST_TIMEOUT", "SERVICE_UNAVAILABLE"],
  ["REQUEST_REJECTED", "SERVICE_UNAVAILABLE"],
  ["QUEUE_FULL", "SERVICE_UNAVAILABLE"],
]);

const codeIn = (error: unknown): string =>
  codeOf(error) ?? codes.get((error as { type?: unknown } | null)?.type) ?? "UNEXPECTED";

/** Moleculer's own and what only its own service reaches say nothing about who shares the load. */
const isOurs = (name: string, visibility: unknown): boolean => !name.startsWith("$") && visibility !== "private";

/** Innermost: what was refused before its handler has not begun. */
export const callsBegun = (): Middleware => {
  const begun = counter("comptoir_actions_begun_total");
  return {
    name: "CallsBegun",
    localAction(next: ActionHandler, schema): ActionHandler {
      const [name, visibility] = [String(schema.name), schema.visibility];
      if (!isOurs(name, visibility)) return next;
      const ofAction = begun.labels({ action: name });
      return function countAndHandle(this: unknown, ctx: Context) {
        ofAction.inc();
        return next.call(this as never, ctx) as Promise<unknown>;
      };
    },
  };
};

/** Outermost on the side that runs the action: the wait behind a bulkhead and every refusal are in it. */
export const actionMetrics = (): Middleware => {
  const seconds = histogram("comptoir_action_seconds");
  const errors = counter("comptoir_action_errors_total");
  const inFlight = gauge("comptoir_actions_in_flight").labels();
  return {
    name: "ActionMetrics",
    localAction(next: ActionHandler, schema): ActionHandler {
      const [action, visibility] = [String(schema.name), schema.visibility];
      if (!isOurs(action, visibility)) return next;
      const ofAction = seconds.labels({ action });
      return async function measure(this: unknown, ctx: Context) {
        const begin = performance.now();
        inFlight.inc();
        try {
          return (await next.call(this as never, ctx)) as unknown;
        } catch (error) {
          errors.labels({ action, code: codeIn(error) }).inc();
          throw error;
        } finally {
          inFlight.dec();
          ofAction.observe((performance.now() - begin) / 1_000, currentTraceId());
        }
      };
    },
  };
};
