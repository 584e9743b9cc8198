// npm run restore -- BACKUP: puts a backup back for a shop that is not running.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { isNamespace, loadToolConfig, namespaceRule } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { restoreEmbedded } from "./embedded.ts";
import { restoreCluster } from "./restore-cluster.ts";
import { run } from "./run.ts";

interface Options {
  readonly into?: string;
  readonly force?: true;
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function namespaceIn(into: string | undefined): string | null {
  if (into === undefined || isNamespace(into)) return into ?? null;
  throw new StartupError(`--into is "${into}": must be ${namespaceRule}`);
}

await new Command("restore")
  .description("Puts a backup back for a shop that is not running.")
  .argument("<backup>", "what npm run backup made")
  .option("--into <place>", "a folder to fill, in a cluster a namespace (default: COMPTOIR_DATA, COMPTOIR_NAMESPACE)")
  .option("--force", "move a shop's databases that are there aside; in a cluster: delete them")
  .action(async (backup: string, { into, force }: Options) => {
    await run("restore", "nothing of the backup was restored", signal => {
      const settings = loadToolConfig();
      const path = resolve(backup);
      const rest = { force: force === true, signal };
      if (isFile(path)) return restoreCluster(path, settings, { into: namespaceIn(into), ...rest });
      if (settings.cluster !== null)
        throw new StartupError(`${path} is no file: a cluster takes the .comptoir.gz that was made of one`);
      return restoreEmbedded(path, { data: into === undefined ? settings.data : resolve(into), ...rest });
    });
  })
  .parseAsync();
