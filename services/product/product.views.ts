// Which products are viewed most, in bounded memory: space saving (Metwally, Agrawal, El Abbadi 2005). A SKU that is not
// shown is a candidate; when there are too many, the least viewed one gives its place and its count to the newcomer, so
// that a count is never too low and its error is known. A candidate is shown once it is surely viewed more than the least
// of those that are.

interface Shown {
  /** Views since it is shown: what its series says. */
  views: number;
  /** With those from before that are known for sure. */
  total: number;
}

interface Candidate {
  count: number;
  /** By so much the count may be too high. */
  error: number;
}

export interface ViewsOptions {
  /** SKUs with a number of their own. */
  readonly shown: number;
  readonly candidates: number;
}

/** So much more than the least one: SKUs that are viewed alike do not take turns. */
const MARGIN = 1.25;

export class Views {
  readonly #options: ViewsOptions;
  readonly #shown = new Map<string, Shown>();
  readonly #candidates = new Map<string, Candidate>();
  /** Candidates that had the least count when it was last looked for. */
  #least: string[] = [];
  #leastCount = 0;
  /** No shown SKU has fewer views. */
  #floor = 0;
  #other = 0;

  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  /** Views of all that are not shown, and those that the shown ones had before. */
  get other(): number {
    return this.#other;
  }

  shown(): ReadonlyMap<string, number> {
    return new Map([...this.#shown].map(([sku, { views }]) => [sku, views]));
  }

  view(sku: string): void {
    const own = this.#shown.get(sku);
    if (own !== undefined) {
      own.views += 1;
      own.total += 1;
      return;
    }
    if (this.#shown.size < this.#options.shown) {
      this.#shown.set(sku, { views: 1, total: 1 });
      this.#floor = 0;
      return;
    }
    this.#other += 1;
    const { count, error } = this.#counted(sku);
    const sure = count - error;
    if (sure > this.#floor * MARGIN) this.#challenge(sku, sure);
  }

  #counted(sku: string): Candidate {
    const known = this.#candidates.get(sku);
    if (known !== undefined) {
      known.count += 1;
      return known;
    }
    const error = this.#candidates.size < this.#options.candidates ? 0 : this.#dropLeast();
    const candidate = { count: error + 1, error };
    this.#candidates.set(sku, candidate);
    return candidate;
  }

  /** @returns its count */
  #dropLeast(): number {
    for (;;) {
      const sku = this.#least.pop();
      if (sku === undefined) {
        this.#findLeast();
        continue;
      }
      const candidate = this.#candidates.get(sku);
      // It was viewed since, or it is shown now.
      if (candidate === undefined || candidate.count !== this.#leastCount) continue;
      this.#candidates.delete(sku);
      return candidate.count;
    }
  }

  #findLeast(): void {
    this.#leastCount = Math.min(...[...this.#candidates.values()].map(({ count }) => count));
    this.#least = [...this.#candidates].flatMap(([sku, { count }]) => (count === this.#leastCount ? sku : []));
  }

  /** What leaves is in `other` from now on: the sum stays that of all views, and no number ever falls. */
  #challenge(sku: string, sure: number): void {
    const [least, { views, total }] = [...this.#shown].reduce((a, b) => (b[1].total < a[1].total ? b : a));
    this.#floor = total;
    if (sure <= total * MARGIN) return;
    this.#shown.delete(least);
    this.#other += views;
    this.#candidates.delete(sku);
    this.#candidates.set(least, { count: total, error: 0 });
    this.#shown.set(sku, { views: 0, total: sure });
  }
}
