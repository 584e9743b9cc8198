// One queue per document: what waits while a batch of the same document is under way makes the next batch.
import type { Clock } from "../kernel/clock.ts";
import type { Command } from "./decide-batch.ts";

export interface Flight<S, X> {
  readonly id: string;
  readonly commands: readonly Command<S, X>[];
}

/** A batch is decided without a pause: this many decisions keep the pause for everybody else short. */
const LARGEST_BATCH = 500;

interface Waiting<S, X> {
  commands: Command<S, X>[];
  flying: boolean;
}

export class Queues<S, X> {
  readonly #clock: Clock;
  readonly #fly: (flights: readonly Flight<S, X>[]) => void;
  readonly #queues = new Map<string, Waiting<S, X>>();
  readonly #ready = new Set<string>();

  /** `fly` gets everything that became ready in one moment, and says `done` or `again` for each. */
  constructor(clock: Clock, fly: (flights: readonly Flight<S, X>[]) => void) {
    this.#clock = clock;
    this.#fly = fly;
  }

  add(id: string, command: Command<S, X>): void {
    const queue = this.#queues.get(id) ?? { commands: [], flying: false };
    this.#queues.set(id, queue);
    queue.commands.push(command);
    if (!queue.flying) this.#prepare(id);
  }

  done({ id }: Flight<S, X>): void {
    const queue = this.#queues.get(id);
    if (queue === undefined) return;
    queue.flying = false;
    if (queue.commands.length > 0) this.#prepare(id);
    else this.#queues.delete(id);
  }

  /** They come first: nothing that waited behind them overtakes. */
  again(flight: Flight<S, X>, commands: readonly Command<S, X>[]): void {
    this.#queues.get(flight.id)?.commands.unshift(...commands);
    this.done(flight);
  }

  #prepare(id: string): void {
    if (this.#ready.size === 0) {
      this.#clock.defer(() => {
        this.#takeAll();
      });
    }
    this.#ready.add(id);
  }

  #takeAll(): void {
    const flights = [...this.#ready].flatMap(id => this.#take(id) ?? []);
    this.#ready.clear();
    this.#fly(flights);
  }

  #take(id: string): Flight<S, X> | null {
    const queue = this.#queues.get(id);
    if (queue === undefined) return null;
    queue.flying = true;
    const barrier = queue.commands.findIndex(command => command.alone);
    const size = barrier === 0 ? 1 : barrier < 0 ? LARGEST_BATCH : Math.min(barrier, LARGEST_BATCH);
    return { id, commands: queue.commands.splice(0, size) };
  }
}
