// The thread of integrity.ts: answers the first problem, or null.
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";

function problemOf(path: string): string | null {
  const url = pathToFileURL(path);
  // A copy has no log, and nobody writes to it: without this SQLite would make files beside it.
  url.search = "?immutable=1";
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      const result = database.prepare("pragma integrity_check(1)").get()?.["integrity_check"];
      return result === "ok" ? null : `${path} is damaged: ${String(result)}`;
    } finally {
      database.close();
    }
  } catch (error) {
    return `${path} is damaged: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const paths = workerData as readonly string[];
parentPort?.postMessage(paths.map(problemOf).find(problem => problem !== null) ?? null);
