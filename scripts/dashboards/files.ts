// The files that Grafana reads: path from the repository's root, and text as it has to stand there.
import { format, resolveConfig } from "prettier";
import { business } from "./business.ts";
import { infrastructure } from "./infrastructure.ts";
import type { Dashboard } from "./library/board.ts";
import { load } from "./load.ts";
import { overview } from "./overview.ts";
import { sagasBoard } from "./sagas.ts";
import { serviceBoard } from "./service.ts";

export const FOLDER = "monitoring/grafana/dashboards";

/** In the order in which an operator reads them. */
export const dashboards = (): Dashboard[] => [
  overview(),
  serviceBoard(),
  sagasBoard(),
  infrastructure(),
  business(),
  load(),
];

export async function files(): Promise<Map<string, string>> {
  const options = await resolveConfig(import.meta.filename);
  const made = new Map<string, string>();
  for (const dashboard of dashboards()) {
    const path = `${FOLDER}/${String(dashboard.uid).replace(/^comptoir-/, "")}.json`;
    made.set(path, await format(JSON.stringify(dashboard), { ...options, parser: "json" }));
  }
  return made;
}
