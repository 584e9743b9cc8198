import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, Id, nullable, Page, Timestamp } from "./common.ts";

export const Backup = closed({
  id: Id,
  status: Type.Enum(["RUNNING", "DONE", "FAILED"]),
  startedAt: Timestamp,
  endedAt: nullable(Timestamp),
  bytes: nullable(Type.Integer({ description: "Null until it is done" })),
  path: Type.String({ description: "On the shop's machine; it is there once the backup is done" }),
  problem: nullable(Type.String()),
});
export type Backup = Static<typeof Backup>;

export const backupActions = {
  /** Answers when it has begun. Refuses WRONG_STATE while one is under way, and in a cluster, whose databases are elsewhere. */
  "v1.backup.take": action({
    params: closed({}),
    result: Backup,
    auth: "ops:write",
    rest: {
      method: "POST",
      path: "/v1/backups",
      summary: "Begin a backup of this shop's databases into its data folder",
      status: 201,
      location: "/v1/backups/{id}",
    },
  }),
  /** Keeps every process of a cluster from writing for so long, or until it is called with 0. Refuses WRONG_STATE in one process. */
  "v1.backup.hold": action({
    params: closed({ ms: Type.Integer({ minimum: 0, maximum: 10_000 }) }),
    result: closed({}),
    auth: "ops:write",
    rest: {
      method: "POST",
      path: "/v1/holds",
      summary: "Hold all writes of the cluster while a backup looks; 0 ends it",
    },
  }),
  "v1.backup.get": action({
    params: closed({ id: Id }),
    result: Backup,
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/backups/{id}", summary: "How far a backup is" },
  }),
  "v1.backup.list": action({
    params: closed({}),
    result: Page(Backup),
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/backups", summary: "The backups in the shop's data folder, newest first" },
  }),
};
