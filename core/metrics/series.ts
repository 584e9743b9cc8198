// The numbers themselves. Whoever counts holds its series and adds to a field: no labels are looked up on the way of a
// request. prom-client's own children look their labels up by a text that they put together at every call.

export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface Sample {
  /** What comes behind the metric's name: "", "_bucket", "_sum", "_count". */
  readonly suffix: string;
  /** Upper bound of a bucket; null: none. */
  readonly le: string | null;
  readonly value: number;
  readonly exemplar: Exemplar | null;
}

export interface Series {
  samples(): Sample[];
}

const plain = (value: number): Sample[] => [{ suffix: "", le: null, value, exemplar: null }];

export class Counter implements Series {
  #value = 0;

  /** @throws RangeError for what is no number from 0 on: a counter never falls. */
  inc(by = 1): void {
    if (!(by >= 0 && by < Infinity)) throw new RangeError(`A counter grows by 0 or more, not by ${String(by)}`);
    this.#value += by;
  }

  samples(): Sample[] {
    return plain(this.#value);
  }
}

export class Gauge implements Series {
  #value = 0;

  set(value: number): void {
    this.#value = value;
  }

  inc(by = 1): void {
    this.#value += by;
  }

  dec(by = 1): void {
    this.#value -= by;
  }

  samples(): Sample[] {
    return plain(this.#value);
  }
}

export class Histogram implements Series {
  readonly #bounds: readonly number[];
  /** Per bucket, not yet summed up; the last one has no bound. */
  readonly #counts: number[];
  readonly #exemplars: (Exemplar | null)[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds.map(() => 0), 0];
    this.#exemplars = [...bounds.map(() => null), null];
  }

  /** @param traceId of a trace that somebody can look up; it stays with the bucket until another one comes. */
  observe(value: number, traceId?: string): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
    if (traceId !== undefined) this.#exemplars[index] = { traceId, value, at: Date.now() / 1_000 };
  }

  samples(): Sample[] {
    let count = 0;
    const buckets = this.#counts.map((own, index): Sample => {
      count += own;
      const le = String(this.#bounds[index] ?? "+Inf");
      return { suffix: "_bucket", le, value: count, exemplar: this.#exemplars[index] ?? null };
    });
    return [
      ...buckets,
      { suffix: "_sum", le: null, value: this.#sum, exemplar: null },
      { suffix: "_count", le: null, value: count, exemplar: null },
    ];
  }
}
