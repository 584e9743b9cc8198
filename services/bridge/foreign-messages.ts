// Messages that are none of ours: another program may write to a topic, and what is passed over is not passed over in silence.

/** Says once of each message that it is not what its topic is for. */
export class ForeignMessages {
  readonly #warn: (message: string) => void;
  readonly #expected: string;
  /** The last offset that was said, by topic and partition: a topic is read in order, again and again. */
  readonly #said = new Map<string, number>();

  /** @param expected what the topic is for: "dead letter" */
  constructor(warn: (message: string) => void, expected: string) {
    this.#warn = warn;
    this.#expected = expected;
  }

  found(topic: string, partition: number, offset: number): void {
    const place = `${topic}/${String(partition)}`;
    if (offset <= (this.#said.get(place) ?? -1)) return;
    this.#said.set(place, offset);
    this.#warn(`The message ${place}/${String(offset)} is no ${this.#expected} and is passed over`);
  }
}
