// decide(command, state) → events or a refusal; evolve(state, event) → state. Source: Chassaing, "Functional Event Sourcing Decider" (2021).
import type { Refusal } from "./errors.ts";

export type Decision<Event> =
  { readonly ok: true; readonly events: readonly Event[] } | { readonly ok: false; readonly refusal: Refusal };

export const accept = <Event>(...events: Event[]): Decision<Event> => ({ ok: true, events });
export const refuse = (refused: Refusal): Extract<Decision<never>, { ok: false }> => ({ ok: false, refusal: refused });

/** Allowed moves of a state machine; the docs' diagrams are generated from these. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

export const canMove = <State extends string>(table: Transitions<State>, from: State, to: State): boolean =>
  table[from].includes(to);
