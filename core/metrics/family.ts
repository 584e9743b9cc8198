// The series of one metric, by their labels. A label takes so many values as the catalogue says; what comes after them
// is counted together as `other`, so that no client and no bug can make series without end.
import type { MetricSpec } from "./catalogue.ts";
import type { Sample, Series } from "./series.ts";

type Labels = Readonly<Record<string, string>>;

/** Where everything goes that has no series of its own. */
export const OTHER = "other";

export interface Described {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

interface Member<S> {
  readonly labels: Labels;
  readonly series: S;
}

export interface FamilyOptions<S> {
  readonly name: string;
  readonly spec: MetricSpec;
  readonly make: () => S;
  /** Told once per label. */
  readonly onOverflow: (name: string, label: string, atMost: number) => void;
}

export class Family<S extends Series> {
  readonly name: string;
  readonly spec: MetricSpec;
  readonly #names: readonly string[];
  readonly #make: () => S;
  readonly #onOverflow: FamilyOptions<S>["onOverflow"];
  readonly #members = new Map<string, Member<S>>();
  /** Those that have a series of their own. */
  readonly #values: Map<string, Set<string>>;
  readonly #overflowed = new Set<string>();
  readonly #fills: (() => void)[] = [];

  constructor({ name, spec, make, onOverflow }: FamilyOptions<S>) {
    this.name = name;
    this.spec = spec;
    this.#names = Object.keys(spec.labels);
    this.#values = new Map(this.#names.map(label => [label, new Set()]));
    this.#make = make;
    this.#onOverflow = onOverflow;
  }

  /** The series of these labels, made when it is not there: hold it where it is used often. */
  labels(labels: Labels = {}): S {
    return this.#members.get(this.#keyOf(labels))?.series ?? this.#admit(labels);
  }

  remove(labels: Labels = {}): void {
    if (this.#members.delete(this.#keyOf(labels))) this.#recount();
  }

  /** Takes all of them away: for gauges that are set anew as a whole. */
  reset(): void {
    this.#members.clear();
    this.#recount();
  }

  /** `fill` sets what is only known when somebody asks; it must answer at once. */
  onScrape(fill: () => void): void {
    this.#fills.push(fill);
  }

  describe(): Described[] {
    for (const fill of this.#fills) fill();
    return [...this.#members.values()].map(({ labels, series }) => ({ labels, samples: series.samples() }));
  }

  #admit(labels: Labels): S {
    const bounded = Object.fromEntries(this.#names.map(name => [name, this.#within(name, labels[name] ?? "")]));
    const key = this.#keyOf(bounded);
    const known = this.#members.get(key);
    if (known !== undefined) return known.series;
    const series = this.#make();
    this.#members.set(key, { labels: bounded, series });
    return series;
  }

  /** The last place is that of `other`. */
  #within(label: string, value: string): string {
    const values = this.#values.get(label);
    const { atMost } = this.spec.labels[label] ?? { atMost: 0 };
    if (value === OTHER || values === undefined || values.has(value)) return value;
    if (values.size < atMost - 1) {
      values.add(value);
      return value;
    }
    if (!this.#overflowed.has(label)) {
      this.#overflowed.add(label);
      this.#onOverflow(this.name, label, atMost);
    }
    return OTHER;
  }

  #keyOf(labels: Labels): string {
    const names = this.#names;
    if (names.length === 1) return labels[names[0] ?? ""] ?? "";
    return names.map(name => labels[name]).join("\0");
  }

  #recount(): void {
    for (const [label, values] of this.#values) {
      values.clear();
      for (const { labels } of this.#members.values()) values.add(labels[label] ?? "");
      values.delete(OTHER);
    }
  }
}
