// Delivers the dead letters of a feed again: in order per aggregate, and unparks those that went through.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { DeliveryOptions } from "./delivery.ts";
import { verdictsOf } from "./verdicts.ts";

const BATCH = 200;

type ReplayOptions = Pick<DeliveryOptions, "feed" | "react" | "park" | "letters">;

/**
 * @param all the subscriber's, those of other feeds as well
 * @throws when the feed is taken away: its next owner may be burying letters of its aggregates
 */
export async function replayLetters(
  options: ReplayOptions,
  all: readonly DeadLetter[],
): Promise<{ replayed: number; left: number }> {
  const { feed } = options;
  const letters = all.filter(({ event }) => feed.holds(event));
  let replayed = 0;
  for (const [subject, group] of Map.groupBy(letters, letter => letter.subject)) {
    // By number: two processes that had the feed one after the other may have buried them in another order.
    const inOrder = group.toSorted((a, b) => a.event.sequence - b.event.sequence);
    replayed += await replayAggregate(options, subject, inOrder);
  }
  return { replayed, left: letters.length - replayed };
}

/** Unparked before its letters go: if the process dies in between, they are replayed again, which changes nothing. */
async function replayAggregate(
  { feed, react, park, letters: deadLetters }: ReplayOptions,
  subject: string,
  letters: readonly DeadLetter[],
): Promise<number> {
  const done = new Set<string>();
  for (let from = 0; from === done.size && from < letters.length; from += BATCH) {
    // Rejects once the feed is another's.
    await feed.committed();
    const entries = letters.slice(from, from + BATCH);
    const { outcomes } = await react({ events: entries.map(({ event }) => event), replay: true });
    for (const verdict of verdictsOf(entries, outcomes)) for (const { event } of verdict.done) done.add(event.id);
  }
  // A process that was frozen meanwhile does not know yet that the feed has gone, and what was buried there since.
  await feed.confirm();
  if (done.size === letters.length) await park({ subject, from: null });
  await deadLetters.unbury(letters.filter(({ event }) => done.has(event.id)));
  return done.size;
}
