// How far, how fast, how long still: a bar on a terminal, a line every few seconds elsewhere. On stderr.
import { SingleBar } from "cli-progress";

export interface Progress {
  start(phase: string, total: number): void;
  add(count: number): void;
  stop(): void;
}

const LINE_EVERY_MS = 5_000;

export function progressBar(): Progress {
  const bar = new SingleBar({
    format: "{phase} |{bar}| {percentage}% {value}/{total} {rate}/s {eta_formatted} left",
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
    hideCursor: true,
    barsize: 24,
    etaBuffer: 200,
    gracefulExit: false,
  });
  let done = 0;
  let since = 0;
  const rate = (): string => String(Math.round(done / Math.max(0.001, (performance.now() - since) / 1000)));
  return {
    start(phase, total) {
      done = 0;
      since = performance.now();
      bar.start(total, 0, { phase: phase.padEnd(9), rate: "0" });
    },
    add(count) {
      done += count;
      bar.increment(count, { rate: rate() });
    },
    stop: () => {
      bar.stop();
    },
  };
}
