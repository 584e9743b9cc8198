// A namespace's topics and groups in Kafka, read to the last message and made anew.
import type { WorkingSet } from "../../core/backup/working-set.ts";
import type { KafkaConfig } from "../../core/config-cluster.ts";
import { createKafkaClient } from "../../core/kafka-client.ts";
import { isTopicUnknown } from "../../core/kafka-errors.ts";
import { openKafkaKeeper } from "../../core/kafka-keeper.ts";
import type {
  KafkaAdmin,
  KafkaClient,
  KafkaKeeper,
  KafkaProducer,
  Outgoing,
  PartitionOffsets,
} from "../../core/kafka.ts";
import { StartupError } from "../../core/startup-error.ts";
import { systemClock as clock } from "../../core/system.ts";
import { within } from "../../services/bridge/deadline.ts";
import { namesIn } from "../../services/bridge/kafka-names.ts";
import { scan, type Span } from "../../services/bridge/kafka-scan.ts";
import { deadLetterTopic, eventTopic } from "../../services/bridge/kafka-topics.ts";

export interface Position {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The first that the group has not behind it. */
  readonly offset: number;
}
export type Positions = readonly Position[];
/** Topics without their namespace. */
export type Ends = ReadonlyMap<string, readonly PartitionOffsets[]>;

const POLL_MS = 200;
const JOIN_MS = 60_000;
const silent = (): void => undefined;

export class LogCopy {
  readonly #config: KafkaConfig;
  readonly #prefix: string;
  readonly #namespace: string;
  readonly #client: KafkaClient;
  #admin: KafkaAdmin;
  readonly #keeper: KafkaKeeper;
  readonly #producer: KafkaProducer;

  private constructor(config: KafkaConfig, namespace: string, client: KafkaClient, keeper: KafkaKeeper) {
    this.#config = config;
    this.#namespace = namespace;
    this.#prefix = `${namespace}.`;
    this.#client = client;
    this.#admin = client.admin();
    this.#keeper = keeper;
    this.#producer = client.producer();
  }

  /** @throws StartupError in one line when Kafka cannot be had */
  static async open(config: KafkaConfig, namespace: string): Promise<LogCopy> {
    let copy: LogCopy | undefined;
    try {
      const client = createKafkaClient(config, "comptoir-backup", silent);
      copy = new LogCopy(config, namespace, client, await openKafkaKeeper(config, silent));
      await copy.#admin.connect();
      return copy;
    } catch (error) {
      await copy?.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartupError(`Kafka at ${config.brokers.join(",")}: ${reason}`, { cause: error });
    }
  }

  async ends(): Promise<Ends> {
    const topics = await this.#topics();
    return new Map(
      await Promise.all(
        topics.map(async topic => [topic.slice(this.#prefix.length), await this.#admin.offsets(topic)] as const),
      ),
    );
  }

  partitionsIn(ends: Ends): ReadonlyMap<string, number> {
    return new Map([...ends].map(([topic, partitions]) => [topic, partitions.length]));
  }

  async positions(): Promise<Positions> {
    const topics = await this.#topics();
    const found: Position[] = [];
    for (const { name } of topics.length === 0 ? [] : await this.#keeper.groups(this.#prefix))
      for (const [topic, partitions] of await this.#admin.committed(name, topics))
        for (const [partition, offset] of partitions)
          found.push({
            ...{ partition, offset },
            group: name.slice(this.#prefix.length),
            topic: topic.slice(this.#prefix.length),
          });
    return found;
  }

  /** Everything before the ends. */
  async copy(ends: Ends, set: WorkingSet, signal: AbortSignal): Promise<void> {
    const spans = [...ends].flatMap(([topic, partitions]) =>
      partitions.map(({ partition, low, high }): Span => ({
        ...{ topic: this.#prefix + topic, partition },
        ...{ from: low, to: high },
      })),
    );
    await scan({ client: this.#client, clock }, spans, (topic, partition, messages) => {
      set.putMessages(topic.slice(this.#prefix.length), partition, messages);
      return Promise.resolve(!signal.aborted);
    });
    signal.throwIfAborted();
  }

  /** The groups that have consumers now. */
  async users(): Promise<string[]> {
    const groups = await this.#keeper.groups(this.#prefix);
    return groups.filter(({ members }) => members > 0).map(({ name }) => name);
  }

  async isEmpty(): Promise<boolean> {
    return [...(await this.ends()).values()].flat().every(({ high }) => high === 0);
  }

  async drop(): Promise<void> {
    const groups = await this.#keeper.groups(this.#prefix);
    await this.#keeper.dropGroups(groups.map(({ name }) => name));
    // Kafka says yes before it has done it.
    for (let tries = 0; !(await this.#dropTopics()); tries += 1) {
      if (tries > 100) throw new StartupError(`Kafka does not delete the topics of ${this.#namespace}`);
      await clock.sleep(POLL_MS);
    }
    await this.#reconnect();
  }

  /** With as many partitions as it had: a message goes back to its own. */
  async make(topics: ReadonlyMap<string, number>): Promise<void> {
    const names = namesIn(this.#namespace);
    const settings = [...topics].map(([name, partitions]) => {
      const topic = this.#prefix + name;
      const isDead = names.subscriberOf(topic) !== null;
      return { ...(isDead ? deadLetterTopic : eventTopic)(topic, this.#config), partitions };
    });
    if (settings.length > 0) await this.#admin.create(settings);
    await this.#producer.connect();
  }

  /** One call at a time. */
  append(topic: string, partition: number, messages: readonly Outgoing[]): Promise<void> {
    return this.#producer.send(this.#prefix + topic, partition, messages);
  }

  /** The groups will go on there. */
  async goOn(positions: Positions): Promise<void> {
    const groups = Map.groupBy(positions, ({ group }) => group);
    await Promise.all([...groups].map(([group, own]) => this.#goOn(this.#prefix + group, own)));
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.disconnect(), this.#keeper.close(), this.#producer.disconnect()]);
  }

  /** As the group's only consumer: it joins once for all of its topics, which takes seconds. */
  async #goOn(group: string, positions: Positions): Promise<void> {
    const consumer = this.#client.consumer(group);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const topics = new Set(positions.map(({ topic }) => this.#prefix + topic));
    const nothing = (): void => undefined;
    const joined = (): void => {
      resolve(undefined);
    };
    consumer
      .start([...topics], { joined, revoked: nothing, crashed: reject, alive: nothing, batch: () => false })
      .catch(reject);
    try {
      await within(clock, JOIN_MS, `Joining ${group}`, promise);
      for (const { topic, partition, offset } of positions)
        await consumer.commit(this.#prefix + topic, partition, offset);
    } finally {
      await consumer.stop();
    }
  }

  /** @returns whether there are none. While some are being deleted Kafka also fails whoever asks what there is. */
  async #dropTopics(): Promise<boolean> {
    try {
      const topics = await this.#topics();
      await this.#keeper.dropTopics(topics);
      return topics.length === 0;
    } catch (error) {
      if (!isTopicUnknown(error)) throw error;
      await this.#reconnect();
      return false;
    }
  }

  /** The admin asks for the topics that it knew before everything it does, and fails for those that are gone. */
  async #reconnect(): Promise<void> {
    await this.#admin.disconnect();
    this.#admin = this.#client.admin();
    await this.#admin.connect();
  }

  async #topics(): Promise<string[]> {
    return (await this.#admin.topics()).filter(topic => topic.startsWith(this.#prefix)).toSorted();
  }
}
