import { expect, it } from "@jest/globals";
import { isError } from "../../../core/errors.ts";
import { Admission, type Work } from "../../../services/order/order.admission.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const random = { fraction: () => 0.5, id: () => "" };

/** Orders that take as long as the test says. */
function door() {
  const clock = createManualClock();
  let behindMs = 0;
  const admission = new Admission({ ...clock, now: () => clock.now() - behindMs }, random);
  let refused = 0;
  const order = (act: (work: Work) => Promise<unknown>) => (): void => {
    try {
      const work = admission.admit();
      void act(work);
    } catch (error) {
      if (!isError(error, "OVERLOADED")) throw error;
      refused += 1;
    }
  };
  /** How many were refused. */
  const during = async (forMs: number, everyMs: number, come: () => void): Promise<number> => {
    const before = refused;
    for (let passed = 0; passed < forMs; passed += everyMs) {
      come();
      await clock.advance(everyMs);
    }
    return refused - before;
  };
  const takes = (ms: number) => order(work => clock.sleep(ms).then(work.done));
  const waits = (ms: number) => order(work => work.outside(() => clock.sleep(ms)).then(work.done));
  const fails = (ms: number) => order(work => clock.sleep(ms).then(work.left));
  const burst = (count: number, ms: number) => burstOf(takes(ms), count);
  /** Forward when it is negative. */
  const setBack = (ms: number): void => {
    behindMs += ms;
  };
  return { during, takes, waits, fails, burst, setBack, admission };
}

const burstOf = (come: () => void, count: number) => (): void => {
  for (let left = count; left > 0; left -= 1) come();
};

it("lets as many be in work as end within the target", async () => {
  const { during, takes } = door();
  // 100 a second for 300 ms: 30 of them.
  expect(await during(5_000, 10, takes(280))).toBe(0);
  expect(await during(5_000, 10, takes(600))).toBeGreaterThan(0);
});

it("tells how many are in work, and how many may be", async () => {
  const { during, takes, waits, burst, admission } = door();
  expect([admission.inWork, admission.bound]).toEqual([0, 512]);
  await during(10, 10, burst(3, 100));
  await during(10, 10, waits(100));
  expect(admission.inWork).toBe(3);
  await during(5_000, 10, takes(600));
  // Some 100 end in a second; how many may be in work goes up and down with that.
  expect(admission.bound).toBeGreaterThanOrEqual(24);
  expect(admission.bound).toBeLessThan(100);
  // Nothing comes any more: what is told is not what was true then.
  await during(12_000, 12_000, () => undefined);
  expect([admission.inWork, admission.bound]).toEqual([0, 512]);
});

it("gives them twice of what one takes without a queue: every step of a cluster goes over the network", async () => {
  const { during, takes } = door();
  await during(5_000, 100, takes(400));
  expect(await during(5_000, 10, takes(500))).toBe(0);
  expect(await during(5_000, 10, takes(950))).toBeGreaterThan(0);
});

it.each([
  ["a store that has become slower", 60, [800]],
  ["a disk that has become slower", 120, [350]],
  ["orders of very different length", 100, [200, 600, 600]],
  ["a shop that is slow as a whole", 40, [1_200]],
])("learns that what looks like a queue is %s", async (_what, perSecond, times) => {
  const { during, takes } = door();
  await during(5_000, 50, takes(100));
  let count = 0;
  const come = () => {
    takes(times[count++ % times.length] ?? 0)();
  };
  const every = 1000 / perSecond;
  await during(10_000, every, come);
  expect(await during(12_000, every, come)).toBe(0);
  // Nor is it an overload that never ends.
  expect(await during(1, 1, burstOf(come, 300))).toBe(0);
});

it("does not count those that wait for somebody outside", async () => {
  const { during, waits } = door();
  expect(await during(10_000, 5, waits(3_000))).toBe(0);
});

it("does not take orders that were refused for others for the quickness of the shop", async () => {
  const { during, takes, fails } = door();
  await during(2_000, 100, takes(100));
  const refused = await during(5_000, 10, () => {
    takes(600)();
    for (let count = 0; count < 10; count += 1) fails(1)();
  });
  expect(refused).toBeGreaterThan(0);
});

it("takes a burst whole, and again once an overload is over", async () => {
  const { during, takes, burst } = door();
  expect(await during(1, 1, burst(500, 2_000))).toBe(0);
  await during(3_000, 5, takes(1_000));
  expect(await during(1, 1, burst(100, 200))).toBeGreaterThan(0);
  await during(12_000, 20, takes(100));
  expect(await during(1, 1, burst(500, 200))).toBe(0);
});

it("is not kept in an overload by bursts that it could take", async () => {
  const { during, takes, burst } = door();
  expect(await during(5_000, 2, takes(1_000))).toBeGreaterThan(0);
  await during(20_000, 5_000, burst(60, 200));
  expect(await during(20_000, 5_000, burst(60, 200))).toBe(0);
});

it("lets in and counts a saga that another process has left, however many there are", async () => {
  const { during, takes, admission } = door();
  expect(await during(5_000, 2, takes(1_000))).toBeGreaterThan(0);
  const resumed = Array.from({ length: 1_000 }, () => admission.resume());
  expect(await during(1_000, 10, takes(10))).toBe(100);
  for (const work of resumed) work.left();
  await during(20_000, 100, takes(10));
  expect(await during(1_000, 10, takes(10))).toBe(0);
});

it.each([
  ["back", 3_600_000],
  ["forward", -3_600_000],
])("goes on when the machine's clock is set %s", async (_where, ms) => {
  const { during, takes, burst, setBack } = door();
  expect(await during(5_000, 2, takes(1_000))).toBeGreaterThan(0);
  // Some are in work when it happens.
  await during(12_000, 100, takes(250));
  setBack(ms);
  await during(300, 100, takes(100));
  expect(await during(5_000, 2, takes(1_000))).toBeGreaterThan(0);
  await during(12_000, 100, takes(100));
  expect(await during(1, 1, burst(400, 100))).toBe(0);
});

it("lets more be in work than a burst where the bound is more", async () => {
  const { during, takes } = door();
  await during(5_000, 100, takes(1_500));
  for (const everyMs of [20, 10, 5]) await during(6_000, everyMs, takes(1_500));
  expect(await during(3_000, 2.5, takes(1_500))).toBe(0);
});
