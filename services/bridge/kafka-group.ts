// One subscriber's consumer group, as this process takes part in it: feeds by generation, and a new consumer after a crash.
import type { IncomingBatch, KafkaClient, KafkaConsumer } from "../../core/kafka.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { within } from "./deadline.ts";
import type { FeedListener, Subscription } from "./feed.ts";
import { ForeignMessages } from "./foreign-messages.ts";
import { PartitionFeed } from "./kafka-feed.ts";

const RETRY = { base: 200, cap: 5_000 };
const CHECK_MS = 1_000;
/** Heartbeats come every second and a broken connection is noticed in 10 s: after this the consumer itself hangs. */
const SILENCE_MS = 45_000;
const CLOSE_MS = 2_000;

export interface GroupOptions {
  readonly client: Pick<KafkaClient, "consumer">;
  readonly group: string;
  readonly topics: readonly string[];
  readonly listener: FeedListener;
  readonly clock: Clock;
  readonly random: Random;
  /** What the group has committed, per topic and partition. */
  readonly committed: () => Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>;
  readonly holds: (topic: string, partition: number, event: CloudEvent) => boolean;
  /** Makes the topics that are missing, before each consumer. */
  readonly prepare: () => Promise<void>;
  readonly warn: (message: string, data?: unknown) => void;
}

const keyOf = (topic: string, partition: number): string => `${topic}/${String(partition)}`;

export class GroupConsumer implements Subscription {
  readonly #options: GroupOptions;
  readonly #feeds = new Map<string, PartitionFeed>();
  readonly #foreign: ForeignMessages;
  readonly #ended: Promise<void>;
  #isStopped = false;
  #end: () => void = () => undefined;
  #crash: (error: Error) => void = () => undefined;
  #seenAt = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#foreign = new ForeignMessages(options.warn, "event");
    this.#ended = this.#run();
  }

  get buffered(): number {
    return [...this.#feeds.values()].reduce((sum, feed) => sum + feed.buffered, 0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#end();
    await within(this.#options.clock, CLOSE_MS + CHECK_MS, "Leaving a group", this.#ended).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, random, client, group, warn } = this.#options;
    for (let failures = 0; !this.#isStopped;) {
      const consumer = client.consumer(group);
      try {
        await this.#consume(consumer);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1) warn(`The consumer of ${group} ended and is made anew`, error);
      }
      this.#closeFeeds();
      await within(clock, CLOSE_MS, "Closing a consumer", consumer.stop()).catch(() => undefined);
      if (!this.#stopped()) await clock.sleep(backoff(failures + 1, random, RETRY));
    }
  }

  /** A method: the compiler would take the field for what it was before the last await. */
  #stopped(): boolean {
    return this.#isStopped;
  }

  /** Until it is stopped. @throws when it crashes or hangs */
  async #consume(consumer: KafkaConsumer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    promise.catch(() => undefined);
    this.#end = () => {
      resolve(undefined);
    };
    this.#crash = reject;
    this.#seenAt = this.#options.clock.now();
    const watching = { isOn: true };
    void this.#watch(watching, reject);
    try {
      const started = this.#start(consumer, reject);
      started.catch(reject);
      await promise;
    } finally {
      watching.isOn = false;
    }
  }

  async #start(consumer: KafkaConsumer, crash: (error: Error) => void): Promise<void> {
    await this.#options.prepare();
    if (this.#isStopped) return;
    await consumer.start(this.#options.topics, {
      joined: partitions => {
        this.#open(consumer, partitions);
      },
      revoked: () => {
        this.#closeFeeds();
      },
      crashed: crash,
      alive: () => {
        this.#seenAt = this.#options.clock.now();
      },
      batch: batch => this.#take(batch),
    });
  }

  async #watch(watching: { isOn: boolean }, hang: (error: Error) => void): Promise<void> {
    const { clock, group } = this.#options;
    while (watching.isOn) {
      await clock.sleep(CHECK_MS);
      if (clock.now() - this.#seenAt > SILENCE_MS) hang(new Error(`The consumer of ${group} gives no sign`));
    }
  }

  #take(batch: IncomingBatch): boolean {
    const feed = this.#feeds.get(keyOf(batch.topic, batch.partition));
    if (feed?.take(batch) !== true) return false;
    this.#options.listener.grew(feed);
    return true;
  }

  #open(consumer: KafkaConsumer, partitions: ReadonlyMap<string, readonly number[]>): void {
    this.#closeFeeds();
    if (this.#isStopped) return;
    let offsets: ReturnType<GroupOptions["committed"]> | null = null;
    const committed = async (topic: string, partition: number): Promise<number> => {
      // One question for all feeds of this generation.
      offsets ??= this.#options.committed();
      const asked = offsets;
      asked.catch(() => {
        if (offsets === asked) offsets = null;
      });
      return (await asked).get(topic)?.get(partition) ?? 0;
    };
    for (const [topic, numbers] of partitions)
      for (const partition of numbers) this.#openOne(consumer, topic, partition, () => committed(topic, partition));
  }

  #openOne(consumer: KafkaConsumer, topic: string, partition: number, committed: () => Promise<number>): void {
    const feed = new PartitionFeed({
      name: keyOf(topic, partition),
      seek: offset => {
        consumer.seek(topic, partition, offset);
      },
      pause: () => {
        consumer.pause(topic, partition);
      },
      resume: () => {
        consumer.resume(topic, partition);
      },
      commit: offset => consumer.commit(topic, partition, offset),
      committed,
      holds: event => this.#options.holds(topic, partition, event),
      // The client puts the group's place back as often as it finds this: a new consumer begins there.
      fellBack: () => {
        const what = `${keyOf(topic, partition)} ends before what was read of it: it is read again from its beginning`;
        this.#options.warn(what);
        this.#crash(new Error(what));
      },
      foreign: offset => {
        this.#foreign.found(topic, partition, offset);
      },
    });
    this.#feeds.set(feed.name, feed);
    this.#options.listener.opened(feed);
  }

  #closeFeeds(): void {
    const closing = [...this.#feeds.values()];
    this.#feeds.clear();
    for (const feed of closing) {
      feed.close();
      this.#options.listener.closed(feed);
    }
  }
}
