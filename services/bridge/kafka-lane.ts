// A lane: the way of messages into one partition. One send is outstanding at a time, and the identical batch is sent again
// until it is acknowledged: a batch whose fate is unknown must not be overtaken by another, or be joined differently, since
// the broker tells a repeat by its number alone and would take the second for the first.
import type { Outgoing } from "../../core/kafka.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";

const RETRY = { base: 100, cap: 2_000 };
/** A broker takes 1 MB at once. */
const MOST_BYTES = 512 * 1024;
const MOST_MESSAGES = 500;

export interface LaneOptions {
  readonly send: (messages: readonly Outgoing[]) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailure: (error: unknown) => void;
}

interface Ticket {
  readonly messages: readonly Outgoing[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class AwayError extends Error {}

const sizeOf = ({ key, value, headers }: Outgoing): number =>
  Buffer.byteLength(value ?? "") + Buffer.byteLength(key) + JSON.stringify(headers).length + 32;
export const bytesOf = (messages: readonly Outgoing[]): number =>
  messages.reduce((sum, message) => sum + sizeOf(message), 0);

/** In the same order, each small enough for the broker; one message that is larger goes alone. */
function portionsOf(messages: readonly Outgoing[]): (readonly Outgoing[])[] {
  const portions: Outgoing[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const size = sizeOf(message);
    const last = portions.at(-1);
    if (last === undefined || last.length === MOST_MESSAGES || bytes + size > MOST_BYTES) {
      portions.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return portions;
}

export class Lane {
  readonly #options: LaneOptions;
  #queue: Ticket[] = [];
  #current: readonly Ticket[] = [];
  #isRunning = false;
  #isAway = false;
  #isClosed = false;
  #sentAt: number | null = null;
  #abandon: (() => void) | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Nothing gets through now: the batch that failed is tried alone, and nobody waits behind it. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Messages that are neither acknowledged nor given up. */
  get waiting(): number {
    return [...this.#current, ...this.#queue].reduce((sum, { messages }) => sum + messages.length, 0);
  }

  /** For how long the outstanding send has not been answered, in ms. */
  outstanding(now: number): number {
    return this.#sentAt === null ? 0 : now - this.#sentAt;
  }

  /** Resolves when they are acknowledged. @throws AwayError when that is not known soon; they may arrive all the same */
  async add(messages: readonly Outgoing[]): Promise<void> {
    // What the broker refuses for its size it would refuse for ever.
    await Promise.all(portionsOf(messages).map(portion => this.#enqueue(portion)));
  }

  #enqueue(messages: readonly Outgoing[]): Promise<void> {
    if (this.#isAway || this.#isClosed) return Promise.reject(new AwayError("Kafka does not acknowledge"));
    return new Promise((resolve, reject) => {
      this.#queue.push({ messages, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Whoever waits is told that it is not known; the outstanding batch stays what it is and goes on. */
  giveUpWaiting(): void {
    this.#isAway = true;
    const waiting = [...this.#current, ...this.#queue];
    this.#queue = [];
    for (const { reject } of waiting) reject(new AwayError("Kafka did not acknowledge in time"));
  }

  /** The outstanding send will never be answered: the batch is sent again, by another producer. */
  abandonSend(): void {
    this.#abandon?.();
  }

  close(): void {
    this.#isClosed = true;
    this.giveUpWaiting();
    this.abandonSend();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queue.length > 0 && !this.#isClosed) {
      this.#current = this.#take();
      const isDone = await this.#deliver(this.#current.flatMap(({ messages }) => messages));
      if (isDone) for (const { resolve } of this.#current) resolve();
      this.#current = [];
    }
    this.#isRunning = false;
  }

  #take(): Ticket[] {
    let [bytes, count] = [0, 0];
    const beyond = this.#queue.findIndex(({ messages }, index) => {
      bytes += bytesOf(messages);
      count += messages.length;
      return index > 0 && (bytes > MOST_BYTES || count > MOST_MESSAGES);
    });
    return this.#queue.splice(0, beyond === -1 ? this.#queue.length : beyond);
  }

  async #deliver(batch: readonly Outgoing[]): Promise<boolean> {
    const { clock, random, onFailure } = this.#options;
    for (let attempt = 1; !this.#isClosed; attempt += 1) {
      try {
        await this.#sendOnce(batch);
        this.#isAway = false;
        return true;
      } catch (error) {
        if (this.#hasClosed()) return false;
        onFailure(error);
        this.giveUpWaiting();
        await clock.sleep(1 + backoff(attempt, random, RETRY));
      }
    }
    return false;
  }

  /** A method: the compiler would take the field for what it was before the last await. */
  #hasClosed(): boolean {
    return this.#isClosed;
  }

  async #sendOnce(batch: readonly Outgoing[]): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#abandon = () => {
      reject(new AwayError("Kafka did not answer"));
    };
    this.#sentAt = this.#options.clock.now();
    const sending = this.#options.send(batch);
    sending.catch(() => undefined);
    try {
      await Promise.race([sending, promise]);
    } finally {
      this.#sentAt = null;
      this.#abandon = null;
    }
  }
}
