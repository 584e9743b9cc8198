// Rests between rounds of work that costs less the more of it comes together.

/** As long as the round took: where work is slow, more is gathered for the next round, and at most half of the time is spent on it. */
export const asLongAs = (tookMs: number, { least, most }: { readonly least: number; readonly most: number }): number =>
  Math.min(most, Math.max(least, tookMs));
