// What backup answers.
import type { backupActions } from "../../core/contracts/backup.ts";
import { fail } from "../../core/errors.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { Shelf } from "./backup.shelf.ts";

export interface BackupParts {
  /** Null in a cluster. */
  readonly shelf: Shelf | null;
  /** Tells every process. */
  readonly hold: (ms: number) => Promise<void>;
}

export const backupHandlers = ({ shelf, hold }: BackupParts): HandlersOf<typeof backupActions> => ({
  "v1.backup.take": () => {
    if (shelf === null)
      return Promise.reject(fail("WRONG_STATE", "A cluster's databases are MongoDB's: run npm run backup beside it"));
    const begun = shelf.take();
    if (begun === null) return Promise.reject(fail("WRONG_STATE", "A backup is under way: take the next one after it"));
    return Promise.resolve(begun);
  },

  "v1.backup.hold": async ({ ms }) => {
    if (shelf !== null) throw fail("WRONG_STATE", "One process needs no hold: its backups show one moment anyway");
    await hold(ms);
    return {};
  },

  "v1.backup.get": async ({ id }) => {
    const found = (await shelf?.list())?.find(backup => backup.id === id);
    if (found === undefined) throw fail("BACKUP_NOT_FOUND", `There is no backup ${id}: see GET /v1/backups`);
    return found;
  },

  "v1.backup.list": async () => ({ items: (await shelf?.list()) ?? [], nextCursor: null }),
});
