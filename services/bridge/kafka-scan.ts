// Reads a part of some topics once, from offsets to offsets, by a group of its own that commits nothing.
import type { Incoming, IncomingBatch, KafkaClient, KafkaConsumer } from "../../core/kafka.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { within } from "./deadline.ts";

const SILENCE_MS = 20_000;
const CHECK_MS = 500;
const CLOSE_MS = 2_000;

export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** Before this offset. */
  readonly to: number;
}

export interface ScanOptions {
  readonly client: Pick<KafkaClient, "consumer">;
  readonly group: string;
  readonly clock: Clock;
}

/** Whether to go on. In order per partition; the next part waits for it. */
export type Take = (topic: string, partition: number, messages: readonly Incoming[]) => Promise<boolean>;

class Scan {
  readonly #consumer: KafkaConsumer;
  readonly #clock: Clock;
  readonly #left = new Map<string, Span>();
  readonly #take: Take;
  readonly #done = Promise.withResolvers<undefined>();
  #turn: Promise<void> = Promise.resolve();
  #aliveAt: number;
  #isOver = false;

  constructor(consumer: KafkaConsumer, clock: Clock, spans: readonly Span[], take: Take) {
    this.#consumer = consumer;
    this.#clock = clock;
    this.#take = take;
    this.#aliveAt = clock.now();
    for (const span of spans) this.#left.set(keyOf(span), span);
    this.#done.promise.catch(() => undefined);
  }

  async run(): Promise<void> {
    void this.#watch();
    const topics = new Set([...this.#left.values()].map(({ topic }) => topic));
    const fail = (error: Error): void => {
      this.#done.reject(error);
    };
    const events = {
      joined: () => {
        this.#seekAll();
      },
      revoked: () => undefined,
      crashed: fail,
      alive: () => undefined,
      batch: (batch: IncomingBatch) => this.#accept(batch),
    };
    this.#consumer.start([...topics], events).catch(fail);
    try {
      await this.#done.promise;
    } finally {
      this.#isOver = true;
      await within(this.#clock, CLOSE_MS, "Closing a reader", this.#consumer.stop()).catch(() => undefined);
    }
  }

  /** After a rebalance too, which this group of one has when a broker was away. */
  #seekAll(): void {
    for (const { topic, partition, from } of this.#left.values()) this.#consumer.seek(topic, partition, from);
  }

  #accept(batch: IncomingBatch): boolean {
    const key = keyOf(batch);
    const span = this.#left.get(key);
    if (span === undefined) {
      this.#consumer.pause(batch.topic, batch.partition);
      return true;
    }
    if (batch.asked < span.from) return false;
    const next = batch.last + 1;
    const messages = batch.messages.filter(({ offset }) => offset >= span.from && offset < span.to);
    this.#consumer.pause(batch.topic, batch.partition);
    this.#turn = this.#turn.then(() => this.#handle(span, messages, next)).catch(this.#done.reject);
    this.#left.set(key, { ...span, from: next });
    return true;
  }

  async #handle(span: Span, messages: readonly Incoming[], next: number): Promise<void> {
    if (this.#isOver) return;
    const goesOn = messages.length === 0 || (await this.#take(span.topic, span.partition, messages));
    this.#aliveAt = this.#clock.now();
    if (next >= span.to) this.#left.delete(keyOf(span));
    else this.#consumer.resume(span.topic, span.partition);
    if (!goesOn || this.#left.size === 0) this.#done.resolve(undefined);
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await this.#clock.sleep(CHECK_MS);
      if (this.#clock.now() - this.#aliveAt > SILENCE_MS)
        this.#done.reject(new Error("Kafka does not give what it has"));
    }
  }
}

const keyOf = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${String(partition)}`;

/** @throws when Kafka does not answer for long */
export async function scan({ client, group, clock }: ScanOptions, spans: readonly Span[], take: Take): Promise<void> {
  const filled = spans.filter(({ from, to }) => from < to);
  if (filled.length === 0) return;
  await new Scan(client.consumer(group), clock, filled, take).run();
}
