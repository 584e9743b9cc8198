// Backup: copies this process's databases while they are in use. In a cluster `npm run backup` reads MongoDB itself, and this tells
// every process to hold its writes for the moment that it needs.
import { join } from "node:path";
import type { Service, ServiceSchema } from "moleculer";
import { backupActions } from "../../core/contracts/backup.ts";
import type { Environment } from "../../core/environment.ts";
import { implement } from "../../core/service.ts";
import { HOLD_EVENT, type HoldParams } from "../../core/store/hold.ts";
import { backupHandlers } from "./backup.handlers.ts";
import { createShelf } from "./backup.shelf.ts";

export function createService({ config, clock }: Environment): ServiceSchema {
  const { data } = config;
  const shelf = config.mode === "embedded" ? createShelf({ data, folder: join(data, "backups"), clock }) : null;
  let tell: (ms: number) => Promise<void> = () => Promise.resolve();
  return {
    name: "backup",
    version: 1,
    actions: implement(backupActions, backupHandlers({ shelf, hold: ms => tell(ms) })),
    created(this: Service) {
      tell = ms => this.broker.broadcast(HOLD_EVENT, { ms } satisfies HoldParams);
    },
    stopped: () => shelf?.stop(),
  };
}
