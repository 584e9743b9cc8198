// The shop keeps its promises in every seed, and a seed always tells the same story.
import { describe, expect, it } from "@jest/globals";
import { simulate, type Outcome } from "./simulate.ts";

/** CI runs more of them: `npm run simulate`. */
const SEEDS = 300;
/** Seeds of one test, so that a failure says where about. */
const BATCH = 100;

/** What the first seeds met is looked at as well: they run once for both. */
const LOOKED_AT = 40;
const first = new Map<number, Promise<Outcome>>();
function run(seed: number): Promise<Outcome> {
  if (seed > LOOKED_AT) return simulate(seed);
  const outcome = first.get(seed) ?? simulate(seed);
  first.set(seed, outcome);
  return outcome;
}

describe("the shop under faults", () => {
  const batches = Array.from({ length: SEEDS / BATCH }, (_, index) => 1 + index * BATCH);

  it.each(batches)(
    `keeps every promise in the ${String(BATCH)} seeds from %i`,
    async from => {
      const broken: string[] = [];
      for (let seed = from; seed < from + BATCH; seed += 1) {
        const { violations } = await run(seed);
        broken.push(...violations.map(violation => `seed ${String(seed)}: ${violation}`));
      }
      expect(broken).toEqual([]);
    },
    120_000,
  );

  it("really meets faults, deaths and every kind of end", async () => {
    const traces: string[] = [];
    for (let seed = 1; seed <= LOOKED_AT; seed += 1) traces.push(...(await run(seed)).trace);
    const seen = (what: RegExp) => traces.filter(line => what.test(line)).length;

    expect(seen(/ dies$/)).toBeGreaterThan(20);
    expect(seen(/ freezes for /)).toBeGreaterThan(5);
    expect(seen(/ write .* lost$/)).toBeGreaterThan(20);
    expect(seen(/ write .* unanswered$/)).toBeGreaterThan(20);
    expect(seen(/ write .* late$/)).toBeGreaterThan(5);
    expect(seen(/ hears .* TIMEOUT$/)).toBeGreaterThan(100);
    for (const refusal of ["OUT_OF_STOCK", "PAYMENT_DECLINED", "RESERVATION_EXPIRED"])
      expect(seen(new RegExp(` ${refusal}$`))).toBeGreaterThan(5);
  });
});

describe("a seed", () => {
  it("gives the same run again", async () => {
    const [one, second] = [await simulate(7), await simulate(7)];

    expect(second.trace).toEqual(one.trace);
    expect(second.hash).toBe(one.hash);
  });

  it("gives another run than another seed", async () => {
    expect((await simulate(7)).hash).not.toBe((await simulate(8)).hash);
  });
});
