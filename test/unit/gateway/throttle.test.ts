import { expect, it } from "@jest/globals";
import { Throttle } from "../../../services/gateway/gateway.throttle.ts";
import { createManualClock } from "../../support/manual-clock.ts";

/** Even shares: of 100 that are asked about, 100 × share are sent on. */
function door() {
  const clock = createManualClock();
  let behindMs = 0;
  let asked = 0;
  const random = { fraction: () => ((asked++ * 37) % 100) / 100, id: () => "" };
  const throttle = new Throttle({ clock: { ...clock, now: () => clock.now() - behindMs }, random });
  /** How many of 400 a second are sent on; inside, up to `room` of each 20 are taken. */
  const during = async (seconds: number, room: number): Promise<number> => {
    let sent = 0;
    for (let tick = 0; tick < seconds * 20; tick += 1) {
      let taken = 0;
      for (let order = 0; order < 20; order += 1) {
        if (throttle.refuses()) continue;
        throttle.sent();
        sent += 1;
        if (taken < room) taken += 1;
        else throttle.refused();
      }
      await clock.advance(50);
    }
    return sent / seconds;
  };
  const setBack = (ms: number): void => {
    behindMs += ms;
  };
  return { during, setBack, throttle, clock };
}

it("sends on what the order service takes, and a little more", async () => {
  const { during } = door();
  expect(await during(5, 20)).toBe(400);
  await during(3, 10);
  const sent = await during(20, 10);
  expect(sent).toBeGreaterThan(195);
  expect(sent).toBeLessThan(260);
});

it("does not fall below the half when for a moment nobody is let in, and sends on everything soon after", async () => {
  const { during } = door();
  await during(0.5, 0);
  expect(await during(0.5, 20)).toBeGreaterThan(200);
  await during(3, 20);
  expect(await during(1, 20)).toBe(400);
});

it("tells the share that it sends on, also when nothing comes", async () => {
  const { during, throttle } = door();
  expect(throttle.share).toBe(1);
  await during(3, 10);
  expect(throttle.share).toBeGreaterThan(0.4);
  expect(throttle.share).toBeLessThan(0.7);
  await during(10, 0);
  expect(throttle.share).toBe(0.02);
  await during(10, 20);
  expect(throttle.share).toBe(1);
});

it("is not led astray by what it lets in and nobody sends on", async () => {
  const { clock, throttle } = door();
  for (let tick = 0; tick < 40; tick += 1) {
    for (let junk = 0; junk < 1_000; junk += 1) throttle.refuses();
    for (let order = 0; order < 20; order += 1) {
      throttle.sent();
      throttle.refused();
    }
    await clock.advance(100);
  }
  expect(throttle.share).toBe(0.02);
});

it("goes on when the machine's clock is set back", async () => {
  const { during, setBack } = door();
  await during(10, 0);
  setBack(3_600_000);
  await during(15, 20);
  expect(await during(1, 20)).toBe(400);
});
