// SQLite's own check of copied databases, in a thread of its own: it reads every page.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { StartupError } from "../startup-error.ts";

/** @throws StartupError naming the first file that is not whole */
export async function checkIntegrity(paths: readonly string[], signal?: AbortSignal): Promise<void> {
  const worker = new Worker(new URL("./integrity-worker.ts", import.meta.url), { workerData: paths });
  try {
    const [problem] = (await once(worker, "message", { signal })) as [string | null];
    if (problem !== null) throw new StartupError(problem);
  } finally {
    await worker.terminate();
  }
}
