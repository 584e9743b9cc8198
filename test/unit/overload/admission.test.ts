import { expect, it } from "@jest/globals";
import { fail, isError } from "../../../core/errors.ts";
import { Admission } from "../../../services/order/order.admission.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const random = { fraction: () => 0.5, id: () => "" };

/** Placings that take as long as the test says. */
function door() {
  const clock = createManualClock();
  const admission = new Admission(clock, random);
  let refused = 0;
  const place = (placing: () => Promise<unknown>): void => {
    admission.through(placing).catch((error: unknown) => {
      if (isError(error, "OVERLOADED")) refused += 1;
    });
  };
  /** How many were refused. */
  const during = async (forMs: number, everyMs: number, begin: () => void): Promise<number> => {
    const before = refused;
    for (let passed = 0; passed < forMs; passed += everyMs) {
      begin();
      await clock.advance(everyMs);
    }
    return refused - before;
  };
  const takes = (ms: number) => () => {
    place(() => clock.sleep(ms));
  };
  return { place, during, takes };
}

it("sees an overload behind the refusals that some get at once", async () => {
  const { place, during, takes } = door();
  const refused = await during(3_000, 20, () => {
    takes(600)();
    place(() => Promise.reject(fail("FORBIDDEN", "Not yours")));
  });
  expect(refused).toBeGreaterThan(0);
});

it("lets as many run as end within twice of what one takes alone", async () => {
  const { during, takes } = door();
  await during(1_000, 100, takes(30));
  await during(2_000, 10, takes(30));
  // A hundred a second for 60 ms, and three quarters to spare: 11. Of those that take 100 ms ten run at once.
  expect(await during(2_000, 10, takes(100))).toBe(0);
  expect(await during(2_000, 10, takes(300))).toBeGreaterThan(0);
});

it("is over an overload when placing takes little more than alone, and takes a burst again", async () => {
  const { during, takes } = door();
  await during(1_000, 50, takes(15));
  expect(await during(2_000, 5, takes(300))).toBeGreaterThan(0);
  await during(2_000, 10, takes(18));
  const burst = await during(1, 1, () => {
    for (let count = 0; count < 50; count += 1) takes(18)();
  });
  expect(burst).toBe(0);
});
