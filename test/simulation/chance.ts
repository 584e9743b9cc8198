// Every choice of a run comes from its seed.

export interface Chance {
  /** At least 0, below 1. */
  fraction(): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** A stream of its own, so that what one part draws does not shift another. */
  fork(label: string): Chance;
}

/** FNV-1a, 32 bits. */
function mixed(seed: number, label: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const letter of label) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

export function createChance(seed: number): Chance {
  let state = mixed(seed, "chance");
  // Source: mulberry32, Tommy Ettinger (2017), public domain.
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(fraction() * (most - least + 1));
  return {
    fraction,
    between,
    happens: probability => fraction() < probability,
    pick: from => {
      const picked = from[between(0, from.length - 1)];
      if (picked === undefined) throw new RangeError("Nothing to pick from");
      return picked;
    },
    fork: label => createChance(mixed(seed, label)),
  };
}
