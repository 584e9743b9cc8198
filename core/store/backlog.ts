// How many events wait to be published, and whether new work may still come in.
import type { Errors } from "moleculer";
import { fail } from "../errors.ts";

/** Seconds after which a refused caller may try again. */
const RETRY_AFTER = 1;

export interface Bounds {
  /** Unpublished events of the whole store above which new work is refused. */
  readonly outboxBound: number;
  /** The same for one document; its events live inside it in MongoDB, whose documents end at 16 MB. */
  readonly documentOutboxBound?: number;
}
const DOCUMENT_BOUND = 5_000;

export function createBacklog(collection: string, bounds: Bounds) {
  const documentBound = Math.min(bounds.documentOutboxBound ?? DOCUMENT_BOUND, bounds.outboxBound);
  let waiting = 0;
  const full = (what: string): Errors.MoleculerError =>
    fail("EVENT_BACKLOG", `Too many events of ${what} wait to be published: try again later`, {
      retryAfter: RETRY_AFTER,
    });
  return {
    count: (): number => waiting,
    add: (events: number): void => {
      waiting = Math.max(0, waiting + events);
    },
    set: (events: number): void => {
      waiting = events;
    },
    /** Why new work is refused now, with `more` events decided but not yet counted; null when it is not. */
    refuses: (ofDocument: number, more: number): Errors.MoleculerError | null => {
      if (waiting + more >= bounds.outboxBound) return full(collection);
      return ofDocument + more >= documentBound ? full(`one document of ${collection}`) : null;
    },
  };
}
export type Backlog = ReturnType<typeof createBacklog>;
