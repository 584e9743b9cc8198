// Reads a part of some topics once, from offsets to offsets, partition by partition.
import type { Incoming, IncomingBatch, KafkaClient, KafkaReader } from "../../core/kafka.ts";
import { causesOf } from "../../core/kafka-errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { within } from "./deadline.ts";

const SILENCE_MS = 20_000;
const PAUSE_MS = 200;
const CLOSE_MS = 2_000;

export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** Before this offset. */
  readonly to: number;
}

export interface ScanOptions {
  readonly client: Pick<KafkaClient, "reader">;
  readonly clock: Clock;
}

/** Whether to go on. In order per partition; the next part waits for it. */
export type Take = (topic: string, partition: number, messages: readonly Incoming[]) => Promise<boolean>;

/** A refusal stays one; a leader that has changed or a connection that broke does not, nor what the client gave up after some tries. */
const isForGood = (error: unknown): boolean =>
  (causesOf(error).at(-1) as { retriable?: unknown } | undefined)?.retriable === false;

class Scan {
  readonly #reader: KafkaReader;
  readonly #clock: Clock;
  readonly #take: Take;

  constructor(reader: KafkaReader, clock: Clock, take: Take) {
    this.#reader = reader;
    this.#clock = clock;
    this.#take = take;
  }

  async run(spans: readonly Span[]): Promise<void> {
    for (const span of spans) if (!(await this.#read(span))) return;
  }

  async #read({ topic, partition, from, to }: Span): Promise<boolean> {
    for (let next = from; next < to;) {
      const { messages, last } = await this.#fetch(topic, partition, next);
      const wanted = messages.filter(({ offset }) => offset >= next && offset < to);
      if (wanted.length > 0 && !(await this.#take(topic, partition, wanted))) return false;
      next = last + 1;
    }
    return true;
  }

  /** The next that there is. @throws when nothing comes for long: there should be something */
  async #fetch(topic: string, partition: number, offset: number): Promise<IncomingBatch> {
    const end = this.#clock.now() + SILENCE_MS;
    for (;;) {
      try {
        const asked = this.#reader.fetch(topic, partition, offset);
        const batch = await within(this.#clock, SILENCE_MS, "Reading from Kafka", asked);
        if (batch.last >= offset) return batch;
        if (this.#clock.now() >= end) throw new Error("Kafka does not give what it has");
      } catch (error) {
        if (isForGood(error) || this.#clock.now() >= end) throw error;
      }
      await this.#clock.sleep(PAUSE_MS);
    }
  }
}

/** @throws when Kafka does not answer for long */
export async function scan({ client, clock }: ScanOptions, spans: readonly Span[], take: Take): Promise<void> {
  const filled = spans.filter(({ from, to }) => from < to);
  if (filled.length === 0) return;
  const reader = client.reader();
  try {
    await new Scan(reader, clock, take).run(filled);
  } finally {
    await within(clock, CLOSE_MS, "Closing a reader", reader.disconnect()).catch(() => undefined);
  }
}
