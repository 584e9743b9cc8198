// The event log of a cluster: Kafka. A topic per aggregate, keyed by its id; a consumer group per subscriber.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { fail } from "../../core/errors.ts";
import type { KafkaAdmin, KafkaClient, KafkaProducer } from "../../core/kafka.ts";
import { partitionOf } from "../../core/kafka-client.ts";
import { isTopicUnknown } from "../../core/kafka-errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import type { DeadLetterQuery, EventLog, Lag, PastQuery, Topic } from "./event-log.ts";
import type { FeedListener, Subscription } from "./feed.ts";
import { boundedAdmin } from "./kafka-admin.ts";
import { GroupConsumer } from "./kafka-group.ts";
import { bytesOf } from "./kafka-lane.ts";
import { Lanes, type Parcel } from "./kafka-lanes.ts";
import { ForeignMessages } from "./foreign-messages.ts";
import { letterMessage, LetterView, pageOf, tombstone } from "./kafka-letters.ts";
import { messageOf } from "./kafka-message.ts";
import { namesIn, type Names } from "./kafka-names.ts";
import { readPast } from "./kafka-past.ts";
import { scan, type Span, type Take } from "./kafka-scan.ts";
import { deadLetterTopic, eventTopic, Topics, type TopicConfig } from "./kafka-topics.ts";

/** A broker takes 1 MB at once. */
const MOST_EVENT_BYTES = 900_000;

export interface KafkaLogOptions {
  readonly client: KafkaClient;
  readonly namespace: string;
  readonly topics: TopicConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly warn: (message: string, data?: unknown) => void;
  readonly onSendFailure?: (error: unknown) => void;
}

export class KafkaLog implements EventLog {
  readonly #options: KafkaLogOptions;
  readonly #names: Names;
  readonly #admin: KafkaAdmin;
  readonly #topics: Topics;
  readonly #lanes: Lanes;
  readonly #groups = new Set<GroupConsumer>();
  readonly #foreign: ForeignMessages;

  constructor(options: KafkaLogOptions) {
    const { client, clock, random, warn, onSendFailure } = options;
    this.#options = options;
    this.#names = namesIn(options.namespace);
    this.#admin = boundedAdmin(client, clock);
    this.#topics = new Topics(this.#admin, warn);
    this.#foreign = new ForeignMessages(warn, "dead letter");
    const onFailure = onSendFailure ?? (() => undefined);
    this.#lanes = new Lanes({ createProducer: () => this.#remaking(client.producer()), clock, random, onFailure });
  }

  /** Makes the topics of all events. @throws when Kafka does not answer, or refuses */
  async open(): Promise<void> {
    await this.#admin.connect();
    const wanted = this.#names.topics.map(topic => eventTopic(topic, this.#options.topics));
    await this.#topics.ensure(wanted);
  }

  /** Messages in memory: to be written, and fetched. */
  buffered(): { readonly out: number; readonly in: number } {
    return { out: this.#lanes.waiting, in: [...this.#groups].reduce((sum, { buffered }) => sum + buffered, 0) };
  }

  async append(events: readonly CloudEvent[]): Promise<void> {
    const parcels = Map.groupBy(events, event => this.#placeOf(event));
    await this.#lanes.send([...parcels.values()].map(group => this.#parcelOf(group)));
  }

  subscribe(subscriber: string, types: readonly string[], listener: FeedListener): Subscription {
    const { client, clock, random, warn } = this.#options;
    const topics = this.#names.topicsOf(types);
    const group = new GroupConsumer({
      ...{ client, topics, listener, clock, random, warn },
      group: this.#names.groupOf(subscriber),
      prepare: () => this.#topics.ensureOne(this.#lettersOf(subscriber)),
      committed: () => this.#committed(subscriber, topics),
      // The topic first: of one that this release does not know, the place is not known either.
      holds: (topic, partition, event) =>
        this.#names.topicOf(event.type) === topic && this.#placeOf(event) === `${topic}/${String(partition)}`,
    });
    this.#groups.add(group);
    return {
      stop: async () => {
        this.#groups.delete(group);
        await group.stop();
      },
    };
  }

  past(query: PastQuery, take: (events: readonly CloudEvent[]) => Promise<boolean>): Promise<string | null> {
    const topics = this.#names.topicsOf(query.types);
    return readPast(query, topics, {
      offsetsAt: time => this.#each(topics, topic => this.#admin.offsetsAt(topic, time)),
      committed: () => this.#committed(query.group, topics),
      scan: (spans, on) => this.#scan(spans, on),
      take,
    });
  }

  async lag(subscriber: string, types: readonly string[]): Promise<readonly Lag[]> {
    const topics = this.#names.topicsOf(types);
    const committed = await this.#committed(subscriber, topics);
    const ends = await this.#each(topics, topic => this.#admin.offsets(topic));
    return [...ends].flatMap(([topic, partitions]) =>
      partitions.map(({ partition, low, high }) => ({
        feed: `${topic}/${String(partition)}`,
        // What is kept no longer cannot be waited for.
        committed: Math.max(committed.get(topic)?.get(partition) ?? 0, low),
        end: high,
      })),
    );
  }

  async topics(): Promise<readonly Topic[]> {
    const offsets = await this.#each(this.#names.topics, topic => this.#admin.offsets(topic));
    return [...offsets].map(([name, partitions]) => ({
      name,
      partitions: partitions.length,
      events: partitions.reduce((sum, { high }) => sum + high, 0),
    }));
  }

  async bury(letters: readonly DeadLetter[]): Promise<void> {
    await this.#writeLetters(letters, letter =>
      letterMessage(letter, `${this.#placeOf(letter.event)}/${String(letter.position - 1)}`),
    );
  }

  async unbury(letters: readonly DeadLetter[]): Promise<void> {
    await this.#writeLetters(letters, tombstone);
  }

  async deadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]> {
    const { subscriber } = query;
    const topics = subscriber === undefined ? await this.#letterTopics() : [this.#names.deadLettersOf(subscriber)];
    const offsets = await this.#each(topics, topic => this.#offsetsIfAny(topic));
    const spans: Span[] = [...offsets].flatMap(([topic, partitions]) =>
      partitions.map(({ partition, low, high }) => ({ topic, partition, from: low, to: high })),
    );
    const views = new Map(topics.map(topic => [topic, new LetterView()]));
    await this.#scan(spans, (topic, partition, messages) => {
      views.get(topic)?.take(messages, offset => {
        this.#foreign.found(topic, partition, offset);
      });
      return Promise.resolve(true);
    });
    return pageOf(
      [...views.values()].flatMap(view => view.all()),
      query,
    );
  }

  async check(): Promise<void> {
    if (this.#lanes.isAway) throw new Error("Kafka does not acknowledge");
    await this.#admin.ping();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups].map(group => group.stop()));
    await this.#lanes.close();
    await this.#admin.disconnect().catch(() => undefined);
  }

  /** A broker that came back without its data: the send is repeated anyway, and then finds its topic. */
  #remaking(producer: KafkaProducer): KafkaProducer {
    return {
      ...producer,
      send: async (topic, partition, messages) => {
        try {
          await producer.send(topic, partition, messages);
        } catch (error) {
          if (isTopicUnknown(error)) await this.#topics.remake();
          throw error;
        }
      },
    };
  }

  /** As topic/partition. */
  #placeOf({ type, subject }: CloudEvent): string {
    const topic = this.#names.topicOf(type);
    return `${topic}/${String(partitionOf(subject, this.#topics.partitionsOf(topic)))}`;
  }

  #parcelOf(events: readonly CloudEvent[]): Parcel {
    const [topic = "", partition] = this.#placeOf(events[0] as CloudEvent).split("/");
    const messages = events.map(messageOf);
    const tooLarge = messages.findIndex(message => bytesOf([message]) > MOST_EVENT_BYTES);
    // The relay then sets the event's stream aside; in a lane it would block its partition for ever.
    if (tooLarge !== -1) throw fail("VALIDATION_FAILED", `${events[tooLarge]?.id ?? ""} is larger than the log takes`);
    return { topic, partition: Number(partition), messages };
  }

  #lettersOf(subscriber: string) {
    return deadLetterTopic(this.#names.deadLettersOf(subscriber), this.#options.topics);
  }

  async #writeLetters(letters: readonly DeadLetter[], message: (letter: DeadLetter) => Parcel["messages"][number]) {
    const groups = [...Map.groupBy(letters, ({ subscriber }) => subscriber)];
    await Promise.all(groups.map(([subscriber]) => this.#topics.ensureOne(this.#lettersOf(subscriber))));
    await this.#lanes.send(
      groups.map(([subscriber, own]) => ({
        topic: this.#names.deadLettersOf(subscriber),
        partition: 0,
        messages: own.map(message),
      })),
    );
  }

  async #letterTopics(): Promise<string[]> {
    const all = await this.#admin.topics();
    return all.filter(topic => this.#names.subscriberOf(topic) !== null);
  }

  /** None for a subscriber that nobody has met. */
  async #offsetsIfAny(topic: string) {
    const existing = await this.#admin.topics();
    return existing.includes(topic) ? this.#admin.offsets(topic) : [];
  }

  #scan(spans: readonly Span[], take: Take): Promise<void> {
    const { client, clock } = this.#options;
    return scan({ client, clock }, spans, take);
  }

  #committed(subscriber: string, topics: readonly string[]) {
    return this.#admin.committed(this.#names.groupOf(subscriber), topics);
  }

  async #each<T>(topics: readonly string[], ask: (topic: string) => Promise<T>): Promise<Map<string, T>> {
    const asked = topics.map(async topic => [topic, await ask(topic)] as const);
    return new Map(await Promise.all(asked));
  }
}
