// Dead letters in compacted topics, one per subscriber: the key names the event, a tombstone takes its letter out.
import { Type } from "typebox";
import { DeadLetter } from "../../core/contracts/bridge.ts";
import type { Incoming, Outgoing } from "../../core/kafka.ts";
import { checkOf } from "../../core/middlewares/validator.ts";
import type { DeadLetterQuery } from "./event-log.ts";

const keyOf = ({ subject, event }: DeadLetter): string => `${subject}|${event.id}`;
/** A header is bytes; an error's text may be long. */
const MOST_TEXT = 1_000;

/** @param source where the event lies in the log, as topic/partition/offset. */
export function letterMessage(letter: DeadLetter, source: string): Outgoing {
  return {
    key: keyOf(letter),
    value: JSON.stringify(letter),
    headers: {
      "content-type": "application/json",
      error: letter.error.slice(0, MOST_TEXT),
      attempts: String(letter.attempts),
      source,
    },
  };
}

export const tombstone = (letter: DeadLetter): Outgoing => ({ key: keyOf(letter), value: null, headers: {} });

/** As it is kept: a newer release may have added fields. */
const isLetter = checkOf(Type.Object(DeadLetter.properties));

function letterOf(value: string): DeadLetter | null {
  try {
    const parsed: unknown = JSON.parse(value);
    return isLetter(parsed) === true ? (parsed as DeadLetter) : null;
  } catch {
    return null;
  }
}

/** The letters of one topic as they are read from its beginning. The first burial wins; a letter's position is its offset + 1. */
export class LetterView {
  readonly #letters = new Map<string, DeadLetter>();

  /** @param onForeign told the offset of each message that is no letter */
  take(messages: readonly Incoming[], onForeign: (offset: number) => void): void {
    for (const { key, value, offset } of messages) {
      const letter = value === null ? null : letterOf(value);
      if (value === null) this.#letters.delete(key);
      else if (letter === null) onForeign(offset);
      else if (!this.#letters.has(key)) this.#letters.set(key, { ...letter, position: offset + 1 });
    }
  }

  all(): DeadLetter[] {
    return [...this.#letters.values()];
  }
}

const compare = (a: Pick<DeadLetter, "position" | "subscriber">, b: Pick<DeadLetter, "position" | "subscriber">) =>
  a.position - b.position || (a.subscriber < b.subscriber ? -1 : a.subscriber > b.subscriber ? 1 : 0);

export const pageOf = (letters: readonly DeadLetter[], { after, limit }: DeadLetterQuery): DeadLetter[] =>
  letters
    .filter(letter => after === undefined || compare(letter, after) > 0)
    .toSorted(compare)
    .slice(0, limit);
