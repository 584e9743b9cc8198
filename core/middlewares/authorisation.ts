// Who may call an action, decided on the node that runs it, so that neither a route nor another node can forget it.
import type { ActionHandler, ActionSchema, Context, Middleware } from "moleculer";
import type { Meta } from "../context.ts";
import { scopes, type Scope } from "../contracts/action.ts";
import { toError } from "../errors.ts";
import { refusal, type Refusal } from "../kernel/errors.ts";
import { hasScope, type Principal } from "../request.ts";

const isScope = (auth: unknown): auth is Scope => (scopes as readonly unknown[]).includes(auth);

/** @param auth what the action declares; anything that is not a contract's `Auth` lets nobody in. */
export function accessRefusal(auth: unknown, principal: Principal): Refusal | null {
  if (auth === "public") return null;
  if (auth !== "internal" && !isScope(auth)) return refusal("FORBIDDEN", "Nobody may call this");
  if (principal.kind === "service") return null;
  if (principal.kind === "anonymous") return refusal("UNAUTHENTICATED", "This needs an access token: log in first");
  if (auth === "internal") return refusal("FORBIDDEN", "Only services may call this");
  return hasScope(principal, auth) ? null : refusal("FORBIDDEN", `This needs a token with the scope ${auth}`);
}

/** A private action is not in the registry: only its own service reaches it. `$node` is Moleculer's view of itself. */
const isOfTheFramework = (action: ActionSchema): boolean =>
  action.visibility === "private" || action.name?.startsWith("$node.") === true;

export const authorisation: Middleware = {
  name: "Authorisation",
  localAction(next: ActionHandler, action: ActionSchema): ActionHandler {
    if (isOfTheFramework(action)) return next;
    const { auth } = action as { auth?: unknown };
    return function authorise(this: unknown, ctx: Context) {
      const { principal = { kind: "anonymous" } } = ctx.meta as Meta;
      const refused = accessRefusal(auth, principal);
      // eslint-disable-next-line @typescript-eslint/no-unsafe-return -- the handler's result passes through
      return refused === null ? next.call(this as never, ctx) : Promise.reject(toError(refused));
    };
  },
};
