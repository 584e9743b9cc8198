// All lanes of a process over its one producer: a bounded queue, a watch over sends that hang, and a new producer for them.
import type { KafkaProducer, Outgoing } from "../../core/kafka.ts";
import { ProducerLostError } from "../../core/kafka-errors.ts";
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { createLoop } from "../../core/loop.ts";
import { within } from "./deadline.ts";
import { AwayError, Lane } from "./kafka-lane.ts";

const WATCH_MS = 250;
/** Whoever appends learns by then that the log is away; its events stay in the outbox. */
const PATIENCE_MS = 5_000;
/** The client's own repeats may take a while; a send that takes longer will never be answered. */
const HANG_MS = 30_000;
const CONNECT_MS = 10_000;
const CLOSE_MS = 1_500;
const MOST_WAITING = 10_000;
const RETRY_AFTER = 1;

export interface Parcel {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Outgoing[];
}

export interface LanesOptions {
  readonly createProducer: () => KafkaProducer;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailure: (error: unknown) => void;
}

const away = (detail: string): Error => fail("SERVICE_UNAVAILABLE", detail, { retryAfter: RETRY_AFTER });

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #watch;
  #producer: Promise<KafkaProducer> | null = null;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#watch = createLoop(options.clock, WATCH_MS);
    this.#watch.start(() => this.#look(), options.onFailure);
  }

  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.waiting, 0);
  }

  get isAway(): boolean {
    return [...this.#lanes.values()].some(lane => lane.isAway);
  }

  /** Resolves when all are acknowledged. @throws SERVICE_UNAVAILABLE soon: then some may be, or may still become so */
  async send(parcels: readonly Parcel[]): Promise<void> {
    const count = parcels.reduce((sum, { messages }) => sum + messages.length, 0);
    if (this.waiting + count > MOST_WAITING) throw away("Too many events wait for the event log");
    const ways = parcels.map(({ topic, partition, messages }) => ({ lane: this.#lane(topic, partition), messages }));
    // Before any is queued: the relays come again with all of them, and each time those that got through would be twice.
    if (ways.some(({ lane }) => lane.isAway)) throw away("The event log is away: Kafka does not acknowledge");
    try {
      await Promise.all(ways.map(({ lane, messages }) => lane.add(messages)));
    } catch (error) {
      throw error instanceof AwayError ? away(`The event log is away: ${error.message}`) : error;
    }
  }

  async close(): Promise<void> {
    const { clock } = this.#options;
    const stopped = this.#watch.stop();
    for (const lane of this.#lanes.values()) lane.close();
    const closing = Promise.all([stopped, this.#producer?.then(producer => producer.disconnect())]);
    await within(clock, CLOSE_MS, "Closing the producer", closing).catch(() => undefined);
  }

  #lane(topic: string, partition: number): Lane {
    const key = `${topic}/${String(partition)}`;
    const existing = this.#lanes.get(key);
    if (existing !== undefined) return existing;
    const { clock, random, onFailure } = this.#options;
    const send = (messages: readonly Outgoing[]) => this.#send(topic, partition, messages);
    const lane = new Lane({ send, clock, random, onFailure });
    this.#lanes.set(key, lane);
    return lane;
  }

  async #send(topic: string, partition: number, messages: readonly Outgoing[]): Promise<void> {
    const connecting = (this.#producer ??= this.#connect());
    try {
      const producer = await connecting;
      await producer.send(topic, partition, messages);
    } catch (error) {
      if (error instanceof ProducerLostError) this.#renew(connecting);
      throw error;
    }
  }

  /** A connection that fails is tried anew by the next send. */
  #connect(): Promise<KafkaProducer> {
    const { createProducer, clock } = this.#options;
    const producer = createProducer();
    const connected = within(clock, CONNECT_MS, "Connecting to Kafka", producer.connect()).then(() => producer);
    connected.catch(() => {
      if (this.#producer === connected) this.#producer = null;
      producer.disconnect().catch(() => undefined);
    });
    return connected;
  }

  /**
   * The old producer's last sends may still arrive: after a repeat under another producer's numbers they are duplicates,
   * and never ahead of what comes after them, since no lane goes on before its batch is acknowledged.
   */
  #renew(old: Promise<KafkaProducer>): void {
    if (this.#producer !== old) return;
    this.#producer = null;
    old.then(producer => producer.disconnect()).catch(() => undefined);
    for (const lane of this.#lanes.values()) lane.abandonSend();
  }

  #look(): Promise<void> {
    const now = this.#options.clock.now();
    const lanes = [...this.#lanes.values()];
    for (const lane of lanes) if (lane.outstanding(now) > PATIENCE_MS) lane.giveUpWaiting();
    if (this.#producer !== null && lanes.some(lane => lane.outstanding(now) > HANG_MS)) this.#renew(this.#producer);
    return Promise.resolve();
  }
}
