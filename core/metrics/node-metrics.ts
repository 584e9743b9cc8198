// What a node uses: its process's own numbers, its release, and how busy its event loop is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { collectDefaults, gauge } from "./registry.ts";

const releaseOf = (): string => {
  const file = join(import.meta.dirname, "..", "..", "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
};

/** Repeating does no harm. */
export function collectNodeMetrics(): void {
  collectDefaults();
  const version = releaseOf();
  gauge("comptoir_build_info").labels({ version, node_version: process.version }).set(1);
  const busy = gauge("comptoir_event_loop_utilization");
  let last = performance.eventLoopUtilization();
  busy.onScrape(() => {
    const now = performance.eventLoopUtilization();
    // Since the scrape before.
    busy.labels().set(performance.eventLoopUtilization(now, last).utilization);
    last = now;
  });
}
