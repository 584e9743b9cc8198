// What the log asks Kafka beside reading and writing: each question under a deadline, and a new client after one that was not
// answered, and after topics were gone. One whose connection hangs may stay so, and whoever asks it later would wait for ever.
import type { KafkaAdmin, KafkaClient } from "../../core/kafka.ts";
import { isTopicUnknown } from "../../core/kafka-errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { DeadlineError, within } from "./deadline.ts";

const ANSWER_MS = 5_000;
const MAKING_MS = 15_000;
const PING_MS = 1_000;
const CLOSE_MS = 1_000;

const close = (admin: KafkaAdmin): void => {
  admin.disconnect().catch(() => undefined);
};

interface Connected {
  readonly admin: KafkaAdmin;
  readonly ready: Promise<void>;
}

class BoundedAdmin implements KafkaAdmin {
  readonly #client: Pick<KafkaClient, "admin">;
  readonly #clock: Clock;
  #current: Connected | null = null;
  #isClosed = false;

  constructor(client: Pick<KafkaClient, "admin">, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  connect(): Promise<void> {
    return this.#ask("Connecting to Kafka", () => Promise.resolve());
  }

  /** Soon: somebody waits who only wants to know whether it is there. */
  ping(): Promise<void> {
    const asked = this.#ask("Asking Kafka", admin => admin.ping());
    return within(this.#clock, PING_MS, "Asking Kafka", asked);
  }

  topics(): Promise<readonly string[]> {
    return this.#ask("Asking for topics", admin => admin.topics());
  }

  create(...topics: Parameters<KafkaAdmin["create"]>): Promise<void> {
    return this.#ask("Making the topics", admin => admin.create(...topics), MAKING_MS);
  }

  partitionsOf(...topics: Parameters<KafkaAdmin["partitionsOf"]>): ReturnType<KafkaAdmin["partitionsOf"]> {
    return this.#ask("Asking for partitions", admin => admin.partitionsOf(...topics));
  }

  offsets(...topic: Parameters<KafkaAdmin["offsets"]>): ReturnType<KafkaAdmin["offsets"]> {
    return this.#ask("Asking for offsets", admin => admin.offsets(...topic));
  }

  offsetsAt(...place: Parameters<KafkaAdmin["offsetsAt"]>): ReturnType<KafkaAdmin["offsetsAt"]> {
    return this.#ask("Asking for offsets", admin => admin.offsetsAt(...place));
  }

  committed(...of: Parameters<KafkaAdmin["committed"]>): ReturnType<KafkaAdmin["committed"]> {
    return this.#ask("Asking for what a group has committed", admin => admin.committed(...of));
  }

  async disconnect(): Promise<void> {
    this.#isClosed = true;
    const { admin } = this.#current ?? {};
    this.#current = null;
    if (admin !== undefined) await within(this.#clock, CLOSE_MS, "Leaving Kafka", admin.disconnect());
  }

  async #ask<T>(what: string, question: (admin: KafkaAdmin) => Promise<T>, ms = ANSWER_MS): Promise<T> {
    if (this.#isClosed) throw new Error("The log was closed");
    const used = (this.#current ??= this.#connect());
    try {
      return await within(
        this.#clock,
        ms,
        what,
        used.ready.then(() => question(used.admin)),
      );
    } catch (error) {
      // One that knows of topics that are gone asks for them before it answers anything, making them included.
      if (error instanceof DeadlineError || isTopicUnknown(error)) this.#drop(used);
      throw error;
    }
  }

  #connect(): Connected {
    const admin = this.#client.admin();
    const connected = { admin, ready: admin.connect() };
    connected.ready.then(
      () => {
        // It was given up while it tried: now there is something to close.
        if (this.#current !== connected) close(admin);
      },
      () => {
        this.#drop(connected);
      },
    );
    return connected;
  }

  #drop(used: Connected): void {
    if (this.#current !== used) return;
    this.#current = null;
    close(used.admin);
  }
}

export const boundedAdmin = (client: Pick<KafkaClient, "admin">, clock: Clock): KafkaAdmin =>
  new BoundedAdmin(client, clock);
