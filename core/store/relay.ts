// Publishes what this process wrote after each commit, and by a sweep what a dead or hanging process left.
import type { Clock } from "../kernel/clock.ts";
import { asLongAs } from "../kernel/gather.ts";
import { backoff, type Random } from "../kernel/random.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";

export type { RelaySource } from "./publisher.ts";

export interface RelayOptions extends PublisherOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** So old are the events of another process that it no longer publishes them itself; 0: there is no other. Default 5 s. */
  readonly takeOverMs?: number;
  /** Nothing waits that the log did not take: told after each pass that went through. */
  readonly onPass?: () => void;
}

export type Round = "idle" | "published" | "failed";

/** Between two looks at what others left, a quarter more or less: replicas that start together do not stay together. */
const SWEEP_MS = 2_000;
const TAKE_OVER_MS = 5_000;
/** After what it published: what comes meanwhile goes together, which costs the log and the outbox one write. */
const GATHER = { least: 10, most: 100 };
/** Short: while it lasts orders may be refused for a full outbox, and a call that fails costs little. */
const PAUSE = { base: 50, cap: 2_000 };
/** A stream that the log refused is tried again so often: meanwhile a newer release of the bridge may run. */
const RETRY_PARKED_MS = 60_000;

/** One per database and process, over all its collections. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #publisher: Publisher;
  #failures = 0;
  #running: Promise<Round> | null = null;
  #stopped = false;
  #kicked = false;
  #countAt = 0;
  #sweepAt = 0;
  #retryParkedAt = 0;
  #wake: () => void = () => undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#publisher = new Publisher(options);
  }

  /** Publishes until it is stopped. */
  start(): void {
    void this.#loop();
  }

  kick(): void {
    this.#kicked = true;
    this.#wake();
  }

  /** No new round of its own begins; `drain` waits for the one that runs. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** One bounded pass; one at a time. Never rejects. */
  round(): Promise<Round> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Publishes what is left until nothing of its own is, appending fails, or the moment (ms since the epoch) has come. */
  async drain(deadline: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.sleep(Math.max(0, deadline - clock.now())).then((): Round => "failed");
    let result: Round = "published";
    while (result === "published") result = await Promise.race([this.round(), end]);
  }

  /** Streams that stand still behind an event that the log refuses, as "<aggregate>:<id>". */
  parked(): readonly string[] {
    return this.#publisher.parked();
  }

  async #attempt(): Promise<Round> {
    try {
      await this.#count();
      this.#retryParked();
      const published = await this.#publisher.passOwn();
      const swept = await this.#sweep();
      this.#failures = 0;
      this.#options.onPass?.();
      return published || swept ? "published" : "idle";
    } catch (error) {
      this.#failures += 1;
      // Everybody's events are old when the log comes back: first each process, at the end of its pause, has its turn.
      this.#sweepAt = this.#options.clock.now() + PAUSE.cap + this.#takeOverMs;
      if (this.#failures === 1)
        this.#options.logger.warn("The event log does not take events; they wait in the outbox", error);
      return "failed";
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      this.#kicked = false;
      const began = this.#options.clock.now();
      const result = await this.round();
      if (result === "failed") await this.#options.clock.sleep(backoff(this.#failures, this.#options.random, PAUSE));
      else if (result === "published")
        await this.#options.clock.sleep(asLongAs(this.#options.clock.now() - began, GATHER));
      else await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    if (this.#kicked || this.#stopped) return;
    const { clock } = this.#options;
    await new Promise<void>(resolve => {
      this.#wake = resolve;
      void clock.sleep(Math.max(GATHER.least, Math.min(this.#countAt, this.#sweepAt) - clock.now())).then(resolve);
    });
  }

  #retryParked(): void {
    const now = this.#options.clock.now();
    if (now < this.#retryParkedAt) return;
    this.#retryParkedAt = now + RETRY_PARKED_MS;
    this.#publisher.retryParked();
  }

  get #takeOverMs(): number {
    return this.#options.takeOverMs ?? TAKE_OVER_MS;
  }

  #later(): number {
    return this.#options.clock.now() + SWEEP_MS * (0.75 + this.#options.random.fraction() / 2);
  }

  async #sweep(): Promise<boolean> {
    const { clock } = this.#options;
    if (clock.now() < this.#sweepAt) return false;
    const mayBeMore = await this.#publisher.sweep(clock.now() - this.#takeOverMs);
    if (!mayBeMore) this.#sweepAt = this.#later();
    return mayBeMore;
  }

  /** What a dead process left, and what other processes write and acknowledge. */
  async #count(): Promise<void> {
    const { clock, logger, stores } = this.#options;
    if (clock.now() < this.#countAt) return;
    this.#countAt = this.#later();
    try {
      await Promise.all(stores().map(store => store.measure()));
    } catch (error) {
      logger.warn("The outbox could not be counted", error);
    }
  }
}

export const createRelay = (options: RelayOptions): Relay => new Relay(options);
