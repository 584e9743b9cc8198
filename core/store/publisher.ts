// One pass from the outboxes of a database to the event log: oldest first, in order per aggregate, at least once.
import type { CloudEvent } from "../contracts/common.ts";
import { isError } from "../errors.ts";
import type { CollectionStore } from "./group-commit.ts";

export type RelaySource = Pick<
  CollectionStore<unknown, unknown>,
  "spec" | "pending" | "acknowledge" | "measure" | "backlog"
>;

export interface PublisherOptions {
  readonly stores: () => readonly RelaySource[];
  /** Durable once it resolves. VALIDATION_FAILED says that none was appended and one never will be; anything else is unknown. */
  readonly append: (events: CloudEvent[]) => Promise<unknown>;
  readonly logger: {
    warn(message: string, data?: unknown): void;
    error(message: string, data?: unknown): void;
  };
}

/** Events of one collection per pass; the log takes at most `LARGEST_APPEND` at once. */
const LARGEST_ROUND = 500;
const LARGEST_APPEND = 1_000;

interface Waiting {
  readonly source: RelaySource;
  readonly event: CloudEvent;
}

async function acknowledge(batch: readonly Waiting[]): Promise<void> {
  const last = new Map<RelaySource, Map<string, number>>();
  for (const { source, event } of batch) {
    const seqs = last.get(source) ?? new Map<string, number>();
    last.set(source, seqs.set(event.subject, event.sequence));
  }
  await Promise.all([...last].flatMap(([source, seqs]) => [...seqs].map(([id, seq]) => source.acknowledge(id, seq))));
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #parked = new Map<RelaySource, Set<string>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  parked(): string[] {
    return [...this.#parked].flatMap(([{ spec }, ids]) => [...ids].map(id => `${spec.aggregate}:${id}`));
  }

  /** Whether there was anything to publish. */
  async pass(): Promise<boolean> {
    const filled = this.#options.stores().filter(source => source.backlog() > 0);
    const outboxes = filled.map(async source => {
      const events = await source.pending(LARGEST_ROUND, this.#parked.get(source));
      return events.map(event => ({ source, event }));
    });
    const waiting = (await Promise.all(outboxes)).flat();
    for (let from = 0; from < waiting.length; from += LARGEST_APPEND)
      await this.#publish(waiting.slice(from, from + LARGEST_APPEND));
    return waiting.length > 0;
  }

  async #publish(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#options.append(batch.map(({ event }) => event));
    } catch (error) {
      if (!isError(error, "VALIDATION_FAILED")) throw error;
      await this.#oneByOne(batch);
      return;
    }
    await acknowledge(batch);
  }

  /** Finds the event that the log refuses. */
  async #oneByOne(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) {
      if (this.#parked.get(waiting.source)?.has(waiting.event.subject) === true) continue;
      try {
        await this.#options.append([waiting.event]);
      } catch (error) {
        if (!isError(error, "VALIDATION_FAILED")) throw error;
        this.#park(waiting, error);
        continue;
      }
      await acknowledge([waiting]);
    }
  }

  #park({ source, event }: Waiting, error: unknown): void {
    const streams = this.#parked.get(source) ?? new Set();
    this.#parked.set(source, streams.add(event.subject));
    this.#options.logger.error(`The event log refuses ${event.id}: its stream waits until a release accepts it`, error);
  }
}
