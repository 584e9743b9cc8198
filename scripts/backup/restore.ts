// npm run restore -- BACKUP: puts a backup back for a shop that is not running.
import { resolve } from "node:path";
import { Command } from "commander";
import { loadToolConfig } from "../../core/config.ts";
import { restoreEmbedded } from "./embedded.ts";
import { run } from "./run.ts";

interface Options {
  readonly into?: string;
  readonly force?: true;
}

await new Command("restore")
  .description("Puts a backup back for a shop that is not running.")
  .argument("<backup>", "what npm run backup made")
  .option("--into <folder>", "the data folder to fill (default: COMPTOIR_DATA)")
  .option("--force", "move a shop's databases that are there aside")
  .action(async (backup: string, { into, force }: Options) => {
    await run("restore", signal => {
      const { data } = loadToolConfig();
      return restoreEmbedded(resolve(backup), {
        data: into === undefined ? data : resolve(into),
        force: force === true,
        signal,
      });
    });
  })
  .parseAsync();
