// The pages of docs/ that are made from the code.
import { format, resolveConfig } from "prettier";
import { errorsPage } from "./errors.ts";
import { metricsPage } from "./metrics.ts";
import { resiliencePage } from "./resilience.ts";
import { statesPage } from "./states.ts";

const makers = {
  "docs/states.md": statesPage,
  "docs/errors.md": errorsPage,
  "docs/resilience.md": resiliencePage,
  "docs/metrics.md": metricsPage,
};

/** Path from the repository's root, and text as it has to stand there. */
export async function pages(): Promise<Map<string, string>> {
  const options = await resolveConfig(import.meta.filename);
  const made = new Map<string, string>();
  for (const [path, make] of Object.entries(makers))
    made.set(path, await format(make(), { ...options, parser: "markdown" }));
  return made;
}
