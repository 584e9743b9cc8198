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

export function createQueues<S, X>(clock: Clock, fly: (flights: readonly Flight<S, X>[]) => void) {
  const queues = new Map<string, Waiting<S, X>>();
  const ready = new Set<string>();

  function take(id: string): Flight<S, X> | null {
    const queue = queues.get(id);
    if (queue === undefined) return null;
    queue.flying = true;
    const barrier = queue.commands.findIndex(command => command.alone);
    const size = barrier === 0 ? 1 : barrier < 0 ? LARGEST_BATCH : Math.min(barrier, LARGEST_BATCH);
    return { id, commands: queue.commands.splice(0, size) };
  }

  function takeAll(): void {
    const flights = [...ready].flatMap(id => take(id) ?? []);
    ready.clear();
    fly(flights);
  }

  function prepare(id: string): void {
    if (ready.size === 0) clock.defer(takeAll);
    ready.add(id);
  }

  function done({ id }: Flight<S, X>): void {
    const queue = queues.get(id);
    if (queue === undefined) return;
    queue.flying = false;
    if (queue.commands.length > 0) prepare(id);
    else queues.delete(id);
  }

  return {
    add(id: string, command: Command<S, X>): void {
      const queue = queues.get(id) ?? { commands: [], flying: false };
      queues.set(id, queue);
      queue.commands.push(command);
      if (!queue.flying) prepare(id);
    },
    done,
    /** They come first: nothing that waited behind them overtakes. */
    again(flight: Flight<S, X>, commands: readonly Command<S, X>[]): void {
      queues.get(flight.id)?.commands.unshift(...commands);
      done(flight);
    },
  };
}
