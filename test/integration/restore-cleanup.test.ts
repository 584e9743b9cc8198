// A restore that is killed while it removes what it has moved into place: the shop is whole, and starts.
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import * as real from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { requireRestored } from "../../core/data-folder.ts";
import { systemClock as clock } from "../../core/system.ts";
import { temporaryFolder } from "../../scripts/support/shop.ts";

/** Of a folder with a manifest it removes that alone, as far as it comes. */
let isKilled = false;
const rm: typeof real.rm = async (path, options) => {
  const manifest = join(String(path), "manifest.json");
  if (!isKilled || !existsSync(manifest)) return real.rm(path, options);
  await real.rm(manifest);
  throw new Error("killed");
};
jest.unstable_mockModule("node:fs/promises", () => ({ ...real, rm }));
const { restoreBackup } = await import("../../core/backup/restore.ts");
const { takeBackup } = await import("../../core/backup/take.ts");

let root: string;
beforeEach(() => {
  root = temporaryFolder();
});
afterEach(() => {
  isKilled = false;
  rmSync(root, { recursive: true });
});

it("It has ended, and another one may follow", async () => {
  const [shop, backup, data] = ["shop", "backup", "data"].map(name => join(root, name)) as [string, string, string];
  for (const folder of [shop, data]) mkdirSync(folder);
  const database = new DatabaseSync(join(shop, "order.sqlite"));
  database.exec("create table t (n integer)");
  database.close();
  await takeBackup({ data: shop, target: backup, clock });
  const restore = () => restoreBackup({ backup, data, aside: join(data, "replaced"), force: true });
  isKilled = true;
  await expect(restore()).rejects.toThrow("killed");
  isKilled = false;
  expect(() => {
    requireRestored(data);
  }).not.toThrow();
  expect(readdirSync(data)).toContain("order.sqlite");
  await restore();
  expect(readdirSync(data).filter(name => name.startsWith("restoring"))).toEqual([]);
});
