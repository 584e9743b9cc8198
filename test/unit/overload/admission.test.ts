import { expect, it } from "@jest/globals";
import { isError } from "../../../core/errors.ts";
import { Admission, type Work } from "../../../services/order/order.admission.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const random = { fraction: () => 0.5, id: () => "" };

/** Orders that take as long as the test says. */
function door() {
  const clock = createManualClock();
  const admission = new Admission(clock, random);
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
  const burst = (count: number, ms: number) => () => {
    for (let left = count; left > 0; left -= 1) takes(ms)();
  };
  return { during, takes, waits, fails, burst, admission };
}

it("lets as many be in work as end within the target", async () => {
  const { during, takes } = door();
  // 100 a second for 300 ms: 30 of them.
  expect(await during(5_000, 10, takes(280))).toBe(0);
  expect(await during(5_000, 10, takes(600))).toBeGreaterThan(0);
});

it("gives them twice of what one takes alone: every step of a cluster goes over the network", async () => {
  const { during, takes } = door();
  await during(5_000, 1_000, takes(400));
  expect(await during(5_000, 10, takes(500))).toBe(0);
  expect(await during(5_000, 10, takes(950))).toBeGreaterThan(0);
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

it("never refuses a saga that another process has left", async () => {
  const { during, takes, admission } = door();
  expect(await during(5_000, 2, takes(1_000))).toBeGreaterThan(0);
  expect(() => admission.resume()).not.toThrow();
});
