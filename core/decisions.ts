// From a domain's decision to a store's verdict, and the making of things whose id the client may choose.
import { fingerprintOf, keyReused, reusedKey, versionMismatch } from "./commands.ts";
import type { DomainEvent } from "./contracts/index.ts";
import { isError, toError } from "./errors.ts";
import type { Decision } from "./kernel/decider.ts";
import type { Random } from "./kernel/random.ts";
import { commandId, type Request } from "./request.ts";
import { keep, refuseWith, write, type DocumentStore, type Verdict, type Versioned } from "./store/port.ts";

/** Without events nothing is written. */
export function verdictOf<S, E extends DomainEvent, R>(
  state: S | null,
  decision: Decision<E>,
  evolve: (state: S | null, event: E) => S,
  result: R,
): Verdict<S, R> {
  if (!decision.ok) return refuseWith(decision.refusal);
  const next = decision.events.reduce<S | null>(evolve, state);
  return next === null || decision.events.length === 0 ? keep(result) : write(next, decision.events, result);
}

/** Left in what a command made. The collection has a unique index on `command`. */
export interface Origin {
  readonly command: string;
  readonly fingerprint: string;
}

export const originOf = (request: Request, random: Random): Origin => ({
  command: commandId(request, () => random.id()),
  fingerprint: fingerprintOf(request),
});

/** The document after an update that cannot have left it absent. */
export function present<S>(document: Versioned<S> | null): Versioned<S> {
  if (document === null) throw new Error("The store wrote nothing where the decision wanted a document");
  return document;
}

/**
 * Makes the document `id` once per Idempotency-Key: a repeat answers it as it is now.
 * @throws the decision's refusal; IDEMPOTENCY_KEY_REUSED when the key made something else before
 */
export async function makeOnce<S extends Origin>(
  store: DocumentStore<S>,
  id: string,
  command: string,
  request: Request,
  decide: (existing: S | null) => Verdict<S, boolean>,
): Promise<{ replayed: boolean; document: Versioned<S> }> {
  const once = (current: Versioned<S> | null): Verdict<S, boolean> => {
    if (current?.state.command !== command) return decide(current?.state ?? null);
    const reused = keyReused(current.state.fingerprint, request);
    return reused === null ? keep(true) : refuseWith(reused);
  };
  try {
    const { result, document } = await store.update(id, once, { deadline: request.deadline });
    return { replayed: result, document: present(document) };
  } catch (error) {
    // The unique index: what this command made stands at another id.
    throw isError(error, "DUPLICATE") ? toError(reusedKey) : error;
  }
}

/**
 * Changes the document `id` where it is at the version that If-Match names, and answers it as it then is.
 * @throws PRECONDITION_FAILED; the decision's refusal
 */
export async function changeMatching<S>(
  store: DocumentStore<S>,
  id: string,
  request: Request,
  decide: (existing: S | null) => Verdict<S, null>,
): Promise<Versioned<S>> {
  const matching = (current: Versioned<S> | null): Verdict<S, null> => {
    const stale = current === null ? null : versionMismatch(current.version, request);
    return stale === null ? decide(current?.state ?? null) : refuseWith(stale);
  };
  const { document } = await store.update(id, matching, { deadline: request.deadline });
  return present(document);
}
