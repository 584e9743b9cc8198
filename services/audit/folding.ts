// Takes the events of the log into the folds: one write per fold and delivery. Repeating changes nothing.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import { emptyFold, fold, foldIdOf, watching, type Fold } from "./fold.domain.ts";

export type Folds = DocumentStore<Fold>;

/** @throws what the store throws: then the whole delivery is asked again, and no event is to blame. */
export async function takeEvents(
  folds: Folds,
  events: readonly CloudEvent[],
  mayBeginLate: boolean,
): Promise<{ outcomes: Outcome[] }> {
  await Promise.all(
    [...Map.groupBy(events, foldIdOf)].map(([id, own]) =>
      folds.update(id, current => {
        const before = current?.state ?? emptyFold;
        const after = own.reduce((state, event) => fold(state, event, mayBeginLate), before);
        return after === before ? keep(null) : write(after, [], null);
      }),
    ),
  );
  return { outcomes: events.map(({ id }) => ({ id, outcome: "done" })) };
}

/** Asks for the counts of a stock item at that number. */
export async function watch(folds: Folds, aggregate: string, seq: number): Promise<void> {
  await folds.update(aggregate, current => {
    const before = current?.state ?? emptyFold;
    const after = watching(before, aggregate, seq);
    return after === before ? keep(null) : write(after, [], null);
  });
}
