// A feed that is one partition in one generation of its group: what was fetched and not yet read, bounded.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Incoming, IncomingBatch } from "../../core/kafka.ts";
import type { Feed, LogEntry, Reading } from "./feed.ts";
import { eventOf } from "./kafka-message.ts";

/** Messages above which nothing more is fetched; one fetch more may lie here. */
const MOST_BUFFERED = 1_000;

/** The partition as its consumer has it. */
export interface Share {
  readonly name: string;
  seek(offset: number): void;
  pause(): void;
  resume(): void;
  commit(offset: number): Promise<void>;
  committed(): Promise<number>;
  holds(event: CloudEvent): boolean;
  /** The log has lost its end, and what this group had read of it: the place to go on from is void. */
  fellBack(): void;
  /** Of a message that has our header and is no event. */
  foreign(offset: number): void;
}

/** A position is the offset after its message, so what is committed is the offset to begin with. */
export class PartitionFeed implements Feed {
  readonly #share: Share;
  #buffer: Incoming[] = [];
  /** The offset that the reader wants next; null until it has said. */
  #next: number | null = null;
  /** The offset that must be fetched next. */
  #expected: number | null = null;
  #strayed: number | null = null;
  #committed: number | null = null;
  /** From the beginning: nothing is to be fetched before the reader has said from where. */
  #isPaused = true;
  #isOpen = true;

  constructor(share: Share) {
    this.#share = share;
    share.pause();
  }

  get name(): string {
    return this.#share.name;
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  holds(event: CloudEvent): boolean {
    return this.#share.holds(event);
  }

  close(): void {
    this.#isOpen = false;
    this.#buffer = [];
  }

  /** Whether it was taken. */
  take({ asked, last, messages }: IncomingBatch): boolean {
    if (!this.#isOpen || this.#expected === null) return false;
    if (asked !== this.#expected) {
      const isAgain = this.#strayed === asked;
      this.#strayed = asked;
      // Once: fetched before the reader went elsewhere. Again: the client was sent to where the log begins now.
      if (!isAgain || asked < this.#expected) {
        this.#share.seek(this.#expected);
        if (isAgain) this.#share.fellBack();
        return false;
      }
    }
    this.#strayed = null;
    this.#buffer.push(...messages);
    this.#expected = last + 1;
    if (!this.#isPaused && this.#buffer.length >= MOST_BUFFERED) {
      this.#isPaused = true;
      this.#share.pause();
    }
    return true;
  }

  async read(after: number, types: readonly string[], limit: number): Promise<Reading> {
    this.#requireOpen();
    if (after !== this.#next) this.#rewind(after);
    const wanted = new Set(types);
    const entries: LogEntry[] = [];
    let upTo = after;
    let used = 0;
    for (const message of this.#buffer) {
      if (entries.length === limit) break;
      used += 1;
      upTo = message.offset + 1;
      if (!wanted.has(message.headers["ce_type"] ?? "")) continue;
      const event = eventOf(message);
      if (event === null) this.#share.foreign(message.offset);
      else entries.push({ position: upTo, event });
    }
    this.#buffer.splice(0, used);
    this.#next = upTo;
    if (this.#isPaused && this.#buffer.length < MOST_BUFFERED / 2) {
      this.#isPaused = false;
      this.#share.resume();
    }
    return Promise.resolve({ entries, upTo });
  }

  async committed(): Promise<number> {
    this.#requireOpen();
    this.#committed ??= await this.#share.committed();
    this.#requireOpen();
    return this.#committed;
  }

  async commit(position: number): Promise<void> {
    this.#requireOpen();
    if (position <= (await this.committed())) return;
    await this.#share.commit(position);
    this.#committed = Math.max(position, this.#committed ?? 0);
  }

  async confirm(): Promise<void> {
    await this.#share.commit(await this.committed());
    this.#requireOpen();
  }

  #rewind(offset: number): void {
    this.#buffer = [];
    this.#strayed = null;
    this.#next = offset;
    this.#expected = offset;
    this.#share.seek(offset);
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#share.resume();
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw new Error(`The feed ${this.name} was given to another process`);
  }
}
