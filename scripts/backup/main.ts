// npm run backup -- [FOLDER]: copies everything that a shop must keep into a folder of its own, while the shop goes on.
import { join, resolve } from "node:path";
import { Command } from "commander";
import { loadToolConfig } from "../../core/config.ts";
import { shopUrl } from "../support/administrator.ts";
import { backupCluster } from "./cluster.ts";
import { backupEmbedded } from "./embedded.ts";
import { run } from "./run.ts";

interface Options {
  readonly url?: string;
}

await new Command("backup")
  .description("Copies everything that a shop must keep into FOLDER, while the shop goes on.")
  .argument("[folder]", "where backups are kept (default: backups in the data folder)")
  .option("--url <url>", "where the shop is (default: COMPTOIR_PORT on this host)", shopUrl)
  .action(async (folder: string | undefined, { url }: Options) => {
    await run("backup", "nothing was kept", signal => {
      const settings = loadToolConfig();
      const kept = folder === undefined ? null : resolve(folder);
      if (settings.cluster === null) return backupEmbedded(settings, { folder: kept, url, signal });
      return backupCluster(settings, { folder: kept ?? join(settings.data, "backups"), url, signal });
    });
  })
  .parseAsync();
