// What a service tells the audit: facts of its documents, by id or page by page, and the oldest events of its outboxes.
import type { Waiting } from "./contracts/audit.ts";
import { isError } from "./errors.ts";
import { aggregateOf } from "./reactions.ts";
import type { DocumentStore, Query, Versioned, Whole } from "./store/port.ts";

const PAGE = 100;

/** `ids`: these, with what waits in their outboxes. Otherwise a page in the order of the ids. */
export interface Asked {
  readonly ids?: readonly string[];
  readonly after?: string;
  readonly limit?: number;
}

export interface Looked<S> {
  readonly document: Versioned<S>;
  /** Null when that was not looked at. */
  readonly pending: number | null;
}

const start = ({ after, limit = PAGE }: Asked): Query => ({
  limit,
  ...(after === undefined ? {} : { after: [null, after] as const }),
});

const whole = <S, X>({ document, pending }: Whole<S, X>): Looked<S> => ({ document, pending });

export async function inspect<S, X, F>(
  store: DocumentStore<S, X>,
  asked: Asked,
  factsOf: (looked: Looked<S>) => F,
): Promise<{ items: F[]; next: string | null }> {
  if (asked.ids !== undefined) return { items: (await store.loadWhole(asked.ids)).map(whole).map(factsOf), next: null };
  const { items, next } = await store.list(start(asked));
  return { items: items.map(document => factsOf({ document, pending: null })), next: next?.[1] ?? null };
}

/** With all entries, also page by page. */
export async function inspectWhole<S, X, F>(
  store: DocumentStore<S, X>,
  asked: Asked,
  factsOf: (whole: Whole<S, X>) => F,
): Promise<{ items: F[]; next: string | null }> {
  if (asked.ids !== undefined) return { items: (await store.loadWhole(asked.ids)).map(factsOf), next: null };
  const { items, next } = await store.list(start(asked));
  const ids = items.map(({ id }) => id);
  return { items: (await standing(store, ids)).map(factsOf), next: next?.[1] ?? null };
}

/** Without the documents that others write so fast that they cannot be read with all their entries: another walk comes. */
async function standing<S, X>(store: DocumentStore<S, X>, ids: readonly string[]): Promise<Whole<S, X>[]> {
  try {
    return await store.loadWhole(ids);
  } catch (error) {
    if (!isError(error, "CONFLICT")) throw error;
    if (ids.length === 1) return [];
    return (await Promise.all(ids.map(id => standing(store, [id])))).flat();
  }
}

/** The action `inspect` of a service whose documents are compared with the log, and with nothing else. */
export const inspectDocuments =
  <S, X>(store: DocumentStore<S, X>) =>
  (asked: Asked) =>
    inspect(store, asked, documentFacts);

/** The action `waiting` of a service with these collections. */
export const waitingIn =
  (...stores: readonly Pick<DocumentStore<never>, "pending">[]) =>
  async (): Promise<{ oldest: Waiting[] }> => {
    const oldest = (await Promise.all(stores.map(store => store.pending(1)))).flat();
    return {
      oldest: oldest.map(event => {
        const { subject, sequence, type, time } = event;
        return { aggregate: aggregateOf(event), subject, sequence, type, time };
      }),
    };
  };

export const documentFacts = <S>({ document: { id, version, seq }, pending }: Looked<S>) => ({
  id,
  version,
  seq,
  pending,
});
