// Backup: copies this process's databases while they are in use. In a cluster `npm run backup` asks MongoDB itself.
import { join } from "node:path";
import type { ServiceSchema } from "moleculer";
import { backupActions } from "../../core/contracts/backup.ts";
import type { Environment } from "../../core/environment.ts";
import { implement } from "../../core/service.ts";
import { backupHandlers } from "./backup.handlers.ts";
import { createShelf } from "./backup.shelf.ts";

export function createService({ config, clock }: Environment): ServiceSchema {
  const { data } = config;
  const shelf = config.mode === "embedded" ? createShelf({ data, folder: join(data, "backups"), clock }) : null;
  return {
    name: "backup",
    version: 1,
    actions: implement(backupActions, backupHandlers(shelf)),
    stopped: () => shelf?.stop(),
  };
}
