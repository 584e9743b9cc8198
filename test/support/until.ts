// Polls a condition, which may be a promise; the test's own time limit ends the wait.
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 5;

export async function until(isDone: () => unknown): Promise<void> {
  while ((await isDone()) !== true) await sleep(POLL_MS);
}
