// From the outboxes of a database to the event log: in order per aggregate, at least once, and mostly by who wrote it.
import type { CloudEvent } from "../contracts/common.ts";
import { isError } from "../errors.ts";
import type { CollectionStore } from "./group-commit.ts";

export type RelaySource = Pick<
  CollectionStore<unknown, unknown>,
  "spec" | "pending" | "pendingOf" | "acknowledge" | "measure" | "backlog" | "unpublished"
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

/** Documents and events of one collection per pass; `v1.bridge.append` takes at most `LARGEST_APPEND` at once. */
const MOST_DOCUMENTS = 500;
const LARGEST_ROUND = 1_000;
const LARGEST_APPEND = 1_000;
/** NATS refuses a message above 1 MB unless it was told otherwise, and would refuse the same events each time. */
const LARGEST_APPEND_BYTES = 512 * 1024;

interface Waiting {
  readonly source: RelaySource;
  readonly event: CloudEvent;
}

/** In the same order, each for one append; an event that is larger goes alone. */
function* portionsOf(waiting: readonly Waiting[]): Generator<Waiting[]> {
  let portion: Waiting[] = [];
  let bytes = 0;
  for (const each of waiting) {
    const size = Buffer.byteLength(JSON.stringify(each.event));
    const isFull = portion.length >= LARGEST_APPEND || bytes + size > LARGEST_APPEND_BYTES;
    if (isFull && portion.length > 0) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(each);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}

/** What of each aggregate is not after `before`, up to the first that is. `events` are in order per aggregate. */
export function olderThan(events: readonly CloudEvent[], before: number): CloudEvent[] {
  const young = new Set<string>();
  return events.filter(({ subject, time }) => {
    if (Date.parse(time) > before) young.add(subject);
    return !young.has(subject);
  });
}

/** Takes the marks of what it is about to publish: a commit from here on marks its document anew. */
function takeMarks({ unpublished }: RelaySource): string[] {
  const ids: string[] = [];
  for (const id of unpublished) {
    if (ids.length >= MOST_DOCUMENTS) break;
    ids.push(id);
    unpublished.delete(id);
  }
  return ids;
}

function mark({ unpublished }: RelaySource, ids: readonly string[]): void {
  for (const id of ids) unpublished.add(id);
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
  /** A release of the bridge that is installed meanwhile may take what the one before refused: `retryParked`. */
  readonly #parked = new Map<RelaySource, Set<string>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  parked(): string[] {
    return [...this.#parked].flatMap(([{ spec }, ids]) => [...ids].map(id => `${spec.aggregate}:${id}`));
  }

  /** Lets the parked streams be tried again, from their oldest event on. */
  retryParked(): void {
    for (const [source, ids] of this.#parked) mark(source, [...ids]);
    this.#parked.clear();
  }

  /**
   * What this process wrote. The whole outboxes of the documents: what another process wrote before goes first, even if
   * that one is about to publish it too. Whether there was anything to look at.
   */
  async passOwn(): Promise<boolean> {
    const taken = this.#options
      .stores()
      .map(source => ({ source, ids: takeMarks(source) }))
      .filter(({ ids }) => ids.length > 0);
    try {
      const outboxes = taken.map(async ({ source, ids }) => {
        const parked = this.#parked.get(source);
        const open = parked === undefined ? ids : ids.filter(id => !parked.has(id));
        const events = await source.pendingOf(open, LARGEST_ROUND);
        if (events.length >= LARGEST_ROUND) mark(source, open);
        return events.map(event => ({ source, event }));
      });
      await this.#publishAll((await Promise.all(outboxes)).flat());
    } catch (error) {
      for (const { source, ids } of taken) mark(source, ids);
      throw error;
    }
    return taken.length > 0;
  }

  /** What a dead or hanging process left: whatever is not after `before` (ms since the epoch). Whether there may be more. */
  async sweep(before: number): Promise<boolean> {
    const filled = this.#options.stores().filter(source => source.backlog() > 0);
    const outboxes = filled.map(async source => {
      const events = await source.pending(LARGEST_ROUND, this.#parked.get(source));
      return olderThan(events, before).map(event => ({ source, event }));
    });
    const waiting = (await Promise.all(outboxes)).flat();
    await this.#publishAll(waiting);
    return waiting.length > 0;
  }

  async #publishAll(waiting: readonly Waiting[]): Promise<void> {
    for (const portion of portionsOf(waiting)) await this.#publish(portion);
  }

  /** An earlier portion of the same pass may have parked a stream: what is behind in it must not overtake. */
  #isParked({ source, event }: Waiting): boolean {
    return this.#parked.get(source)?.has(event.subject) === true;
  }

  async #publish(portion: readonly Waiting[]): Promise<void> {
    const batch = portion.filter(waiting => !this.#isParked(waiting));
    if (batch.length === 0) return;
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
      if (this.#isParked(waiting)) continue;
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
