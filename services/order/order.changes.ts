// A command applied to a stored order: the decision's events evolved, and its state changes on the timeline.
import type { TimelineEntry } from "../../core/contracts/order.ts";
import type { Refusal } from "../../core/kernel/errors.ts";
import { decide, evolve, type OrderCommand, type OrderEvent } from "./order.domain.ts";
import type { OrderState } from "./order.schema.ts";

type Change =
  | { readonly ok: true; readonly state: OrderState; readonly events: readonly OrderEvent[] }
  | { readonly ok: false; readonly refusal: Refusal };

export const stateChange = (name: string, at: string, detail: string | null): TimelineEntry => ({
  at,
  kind: "STATE",
  name,
  direction: null,
  attempt: null,
  outcome: null,
  detail,
});

/** `at` is RFC 3339. */
export function applied(orderId: string, command: OrderCommand, state: OrderState, at: string): Change {
  const decision = decide(orderId, command, state);
  if (!decision.ok) return decision;
  const detail = command.type === "reject" ? command.rejection.code : command.type === "cancel" ? command.reason : null;
  const evolved = decision.events.reduce<OrderState>((before, event) => {
    const after = evolve(before, event);
    return { ...after, states: [...before.states, ...changesBetween(before, after, at, detail)] };
  }, state);
  return { ok: true, state: evolved, events: decision.events };
}

function changesBetween(before: OrderState, after: OrderState, at: string, detail: string | null): TimelineEntry[] {
  const changed: TimelineEntry[] = [];
  if (before.status !== after.status) changed.push(stateChange(after.status, at, detail));
  if (before.fulfillmentStatus !== after.fulfillmentStatus)
    changed.push(stateChange(after.fulfillmentStatus, at, detail));
  return changed;
}
