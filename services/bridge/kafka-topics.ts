// The topics: made with explicit settings, never by being named, and how many partitions each has.
import type { KafkaConfig } from "../../core/config-cluster.ts";
import type { KafkaAdmin, TopicSettings } from "../../core/kafka.ts";

export type TopicConfig = Pick<KafkaConfig, "partitions" | "replication" | "retentionMs">;

/** A dead letter is an event and a little more. */
const MOST_BYTES = 2 * 1024 * 1024;

const common = ({ replication }: TopicConfig) => ({
  "max.message.bytes": String(MOST_BYTES),
  // The broker's clock: one process with a wrong one would else have its events refused or dropped too early.
  "message.timestamp.type": "LogAppendTime",
  "min.insync.replicas": String(Math.max(1, replication - 1)),
});

export const eventTopic = (topic: string, config: TopicConfig): TopicSettings => ({
  topic,
  partitions: config.partitions,
  replication: config.replication,
  settings: { ...common(config), "cleanup.policy": "delete", "retention.ms": String(config.retentionMs) },
});

/** Compacted: a letter stays until it is taken out, however old it is. */
export const deadLetterTopic = (topic: string, config: TopicConfig): TopicSettings => ({
  topic,
  partitions: 1,
  replication: config.replication,
  settings: { ...common(config), "cleanup.policy": "compact" },
});

export class Topics {
  readonly #admin: KafkaAdmin;
  readonly #warn: (message: string) => void;
  readonly #partitions = new Map<string, number>();
  readonly #settings = new Map<string, TopicSettings>();
  #remaking: Promise<void> | null = null;
  readonly #making = new Map<string, Promise<void>>();

  constructor(admin: KafkaAdmin, warn: (message: string) => void) {
    this.#admin = admin;
    this.#warn = warn;
  }

  /** One that exists keeps its partitions: with other ones, events of an aggregate would overtake each other. */
  async ensure(wanted: readonly TopicSettings[]): Promise<void> {
    const unknown = wanted.filter(({ topic }) => !this.#partitions.has(topic));
    if (unknown.length === 0) return;
    const existing = new Set(await this.#admin.topics());
    const missing = unknown.filter(({ topic }) => !existing.has(topic));
    // Another process may be making them too.
    if (missing.length > 0) await this.#admin.create(missing);
    const found = await this.#admin.partitionsOf(unknown.map(({ topic }) => topic));
    for (const settings of unknown) {
      const { topic, partitions } = settings;
      const has = found.get(topic) ?? 0;
      if (has === 0) throw new Error(`The topic ${topic} was not made`);
      if (has !== partitions)
        this.#warn(
          `The topic ${topic} keeps its ${String(has)} partitions, not KAFKA_PARTITIONS=${String(partitions)}: else events of one aggregate would overtake each other`,
        );
      this.#partitions.set(topic, has);
      this.#settings.set(topic, settings);
    }
  }

  /** One at a time per topic. */
  ensureOne(settings: TopicSettings): Promise<void> {
    const { topic } = settings;
    const making = this.#making.get(topic) ?? this.ensure([settings]).finally(() => this.#making.delete(topic));
    this.#making.set(topic, making);
    return making;
  }

  /** All that were there and are gone, with the partitions they had: events are on their way to them. */
  remake(): Promise<void> {
    this.#remaking ??= this.#remake().finally(() => (this.#remaking = null));
    return this.#remaking;
  }

  async #remake(): Promise<void> {
    const existing = new Set(await this.#admin.topics());
    const gone = [...this.#settings.values()].filter(({ topic }) => !existing.has(topic));
    if (gone.length === 0) return;
    await this.#admin.create(gone.map(settings => ({ ...settings, partitions: this.partitionsOf(settings.topic) })));
    const names = gone.map(({ topic }) => topic).join(", ");
    this.#warn(
      `Kafka has lost topics; they are made anew, and what they held is gone unless a backup has it: ${names}`,
    );
  }

  /** @throws TypeError for a topic that was not ensured */
  partitionsOf(topic: string): number {
    const count = this.#partitions.get(topic);
    if (count === undefined) throw new TypeError(`The topic ${topic} is not known`);
    return count;
  }
}
