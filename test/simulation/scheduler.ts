// Virtual time: one event at a time, in an order that the seed alone decides. Between two events everything that is
// ready runs to its next wait, so an event is the smallest step after which a process can die.

interface Scheduled {
  readonly at: number;
  /** Ties go to the one that was scheduled first. */
  readonly order: number;
  /** False: it did nothing, so nothing can have become ready. */
  readonly run: () => unknown;
}

const isBefore = (a: Scheduled, b: Scheduled): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class Scheduler {
  #now: number;
  #order = 0;
  #executed = 0;
  /** A binary heap. */
  readonly #heap: Scheduled[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** How many events have run. */
  get executed(): number {
    return this.#executed;
  }

  in(ms: number, run: () => unknown): void {
    this.at(this.#now + Math.max(0, ms), run);
  }

  at(moment: number, run: () => unknown): void {
    const event = { at: Math.max(moment, this.#now), order: (this.#order += 1), run };
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  /** Runs events until `done` or until nothing is scheduled any more; at most `limit` events. */
  async run(done: () => boolean, limit = 1_000_000): Promise<"done" | "idle" | "limit"> {
    await drained();
    for (let count = 0; count < limit; count += 1) {
      if (done()) return "done";
      const event = this.#take();
      if (event === undefined) return "idle";
      this.#now = event.at;
      this.#executed += 1;
      if (event.run() !== false) await drained();
    }
    return "limit";
  }

  #take(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const lesser = heap[child];
      if (lesser === undefined || !isBefore(lesser, last)) break;
      heap[index] = lesser;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

/** The microtask queue is empty when an immediate runs, and nothing in the simulation does real I/O. */
const drained = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
