// Twice and five times of what a shop can do, in virtual time: what is accepted stays quick and is nearly all that can be done.
import { describe, expect, it } from "@jest/globals";
import { run, type Phase } from "./queue.ts";

const phase = (seconds: number, offered: number, capacity = 500): Phase => ({ seconds, offered, capacity });

describe("An overloaded shop", () => {
  it.each([
    ["twice of a quick shop", 1_000, 500, 0.93, 1_500],
    // What is let in as a burst takes two seconds to work off there.
    ["twice of a slow shop", 140, 70, 0.87, 2_500],
    // Refusing the other 2,000 at the door takes an eighth of the core.
    ["five times of a quick shop", 2_500, 500, 0.83, 2_500],
  ])("does what it can at %s", async (_what, offered, capacity, goodput, first) => {
    const [, begin, on] = await run([
      phase(2, capacity / 2, capacity),
      phase(5, offered, capacity),
      phase(10, offered, capacity),
    ]);
    expect(on?.acceptedPerSecond).toBeGreaterThan(goodput * capacity);
    expect(on?.p99).toBeLessThan(1_000);
    // There it is dear to refuse: nearly all are refused at the door.
    expect(on?.insidePerSecond).toBeLessThan(0.25 * capacity);
    // The first moments too: until it is known that this is no burst, at most a burst is let in.
    expect(begin?.p99).toBeLessThan(first);
  });

  it("does so from its first moment on", async () => {
    const [, on] = await run([phase(5, 1_000), phase(10, 1_000)]);
    expect(on?.acceptedPerSecond).toBeGreaterThan(450);
    expect(on?.p99).toBeLessThan(1_000);
  });

  it("does so when placing waits for a network, and takes a burst again afterwards", async () => {
    const [, , on, , burst] = await run(
      [phase(2, 250), phase(5, 1_000), phase(10, 1_000), phase(12, 60), phase(0.1, 600)],
      { networkMs: 15 },
    );
    expect(on?.acceptedPerSecond).toBeGreaterThan(450);
    expect(on?.p99).toBeLessThan(1_000);
    expect(burst?.refusedPerSecond).toBe(0);
  });

  it("takes everything again soon after", async () => {
    const [, , after] = await run([phase(10, 2_500), phase(5, 300), phase(5, 300)]);
    expect(after?.refusedPerSecond).toBe(0);
    expect(after?.p99).toBeLessThan(100);
  });
});

describe("A shop that can keep up refuses nobody", () => {
  it.each([
    ["at nine tenths of what it can do", [phase(20, 450)], {}],
    ["when its payment provider takes three seconds", [phase(20, 300)], { outsideMs: 3_000 }],
    ["when placing waits for a network", [phase(20, 300)], { networkMs: 30 }],
    ["when 200 come in one moment", [phase(0.01, 20_000), phase(2, 10)], {}],
    ["when 200 come to a slow one within half a second", [phase(0.5, 400, 70), phase(5, 1, 70)], {}],
  ])("%s", async (_what, phases, waits) => {
    for (const told of await run(phases, waits)) expect(told.refusedPerSecond).toBe(0);
  });
});
