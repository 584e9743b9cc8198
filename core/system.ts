// The real clock and the real chance; everything else gets them as arguments.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./kernel/clock.ts";
import type { Random } from "./kernel/random.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async ms => {
    await sleep(ms, undefined, { ref: false });
  },
  defer: task => void setImmediate(task),
};

export const systemRandom: Random = { id: () => randomUUID(), fraction: () => Math.random() };
