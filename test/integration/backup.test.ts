// Backups of embedded databases: of one moment, whole or not there; a restore that cannot succeed changes nothing.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as pause } from "node:timers/promises";
import { requireRoom } from "../../core/backup/copy.ts";
import { readManifest } from "../../core/backup/manifest.ts";
import { restoreBackup } from "../../core/backup/restore.ts";
import { takeBackup } from "../../core/backup/take.ts";
import { moveBackup } from "../../core/backup/transfer.ts";
import { requireRestored } from "../../core/data-folder.ts";
import { createSqliteFile, openFilesIn, type SqliteFile } from "../../core/store/sqlite-file.ts";
import { systemClock as clock } from "../../core/system.ts";
import { createShelf } from "../../services/backup/backup.shelf.ts";
import { backupEmbedded } from "../../scripts/backup/embedded.ts";
import { temporaryFolder } from "../../scripts/support/shop.ts";
import { testConfig } from "../support/config.ts";

/** Two databases that are written one after the other: at any moment the first is as far as the second, or one ahead. */
function pairOfFiles(data: string) {
  const open = (name: string): SqliteFile => {
    const file = createSqliteFile(join(data, `${name}.sqlite`), {
      clock,
      durability: "full",
      onFatal: error => {
        throw error;
      },
    });
    file.open();
    file.onOpen(database => {
      database.exec("create table if not exists t (n integer primary key, filler text)");
    });
    return file;
  };
  const files = [open("cause"), open("effect")];
  let n = 0;
  const put = (file: SqliteFile): Promise<unknown> =>
    file.transact(() => file.statement("insert into t values (?, ?)").run(n, "x".repeat(2_000)));
  return {
    async step() {
      n += 1;
      for (const file of files) await put(file);
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

function countIn(folder: string, name: string): number {
  const database = new DatabaseSync(join(folder, `${name}.sqlite`));
  try {
    return Number(database.prepare("select count(*) as n from t").get()?.["n"]);
  } finally {
    database.close();
  }
}

describe("A backup", () => {
  let root: string;
  let data: string;
  let pair: ReturnType<typeof pairOfFiles>;
  beforeEach(() => {
    root = temporaryFolder();
    data = join(root, "data");
    mkdirSync(data);
    pair = pairOfFiles(data);
  });
  afterEach(() => {
    pair.close();
    rmSync(root, { recursive: true });
  });
  const take = (name = "backup", signal?: AbortSignal) =>
    takeBackup({ data, target: join(root, name), clock, ...(signal === undefined ? {} : { signal }) });

  it("shows all databases at one moment while they are written", async () => {
    for (let n = 0; n < 300; n += 1) await pair.step();
    const writing = new AbortController();
    let steps = 0;
    const writer = (async () => {
      while (!writing.signal.aborted) {
        await pair.step();
        steps += 1;
      }
    })();
    for (const name of ["a", "b", "c", "d", "e", "f"]) {
      const before = steps;
      await take(name);
      expect(steps).toBeGreaterThan(before);
      const [cause, effect] = [countIn(join(root, name), "cause"), countIn(join(root, name), "effect")];
      expect(cause - effect).toBeGreaterThanOrEqual(0);
      expect(cause - effect).toBeLessThanOrEqual(1);
      expect(effect).toBeGreaterThanOrEqual(300 + before);
    }
    writing.abort();
    await writer;
  }, 60_000);

  it("stays what it was however much is written meanwhile", async () => {
    await pair.step();
    const [file] = openFilesIn(data);
    const frozen = file?.freeze();
    const before = readFileSync(join(data, "cause.sqlite"));
    for (let n = 0; n < 400; n += 1)
      await file?.transact(() => {
        const insert = file.statement("insert into t values (?, ?)");
        for (let row = 1; row <= 25; row += 1) insert.run(n * 25 + row + 1_000, "y".repeat(3_000));
      });
    expect(readFileSync(join(data, "cause.sqlite")).equals(before)).toBe(true);
    expect(() => file?.freeze()).toThrow("being copied already");
    frozen?.release();
    await pair.step();
    expect(readFileSync(join(data, "cause.sqlite")).length).toBeGreaterThan(before.length);
  });

  it("leaves the process its lock on the files, also when it is given up", async () => {
    for (let n = 0; n < 200; n += 1) await pair.step();
    await take();
    const given = new AbortController();
    const taking = take("second", given.signal);
    const begun = join(root, "second.partial", "cause.sqlite");
    while (!existsSync(begun)) await pause();
    given.abort();
    await expect(taking).rejects.toThrow("abort");
    const code = `new (require("node:sqlite").DatabaseSync)(process.argv[1]).prepare("select * from t").all()`;
    const { stderr } = spawnSync(process.execPath, ["-e", code, join(data, "cause.sqlite")], { encoding: "utf8" });
    expect(stderr).toContain("database is locked");
  });

  it("of files that a killed process left holds what their logs hold", async () => {
    const left = join(root, "left");
    mkdirSync(left);
    const code = `const d = new (require("node:sqlite").DatabaseSync)(process.argv[1]);
      d.exec("pragma journal_mode = wal; create table t (n); insert into t values (1), (2)"); process.kill(process.pid, "SIGKILL")`;
    spawnSync(process.execPath, ["-e", code, join(left, "cause.sqlite")]);
    expect(readdirSync(left)).toContain("cause.sqlite-wal");
    await takeBackup({ data: left, target: join(root, "backup"), clock });
    expect(countIn(join(root, "backup"), "cause")).toBe(2);
  });

  it("that is interrupted leaves nothing under its name, and the next one is whole", async () => {
    for (let n = 0; n < 50; n += 1) await pair.step();
    await expect(take("backup", AbortSignal.abort())).rejects.toThrow("abort");
    expect(readdirSync(root)).toEqual(["data"]);
    await take();
    expect(countIn(join(root, "backup"), "effect")).toBe(50);
    await expect(take()).rejects.toThrow("exists already");
  });

  it("fails when its shop stops meanwhile, and leaves nothing", async () => {
    for (let n = 0; n < 50; n += 1) await pair.step();
    const taking = take();
    const begun = join(root, "backup.partial", "cause.sqlite");
    while (!existsSync(begun)) await pause();
    pair.close();
    await expect(taking).rejects.toThrow("stopped while it was copied");
    expect(readdirSync(root)).toEqual(["data"]);
    pair = pairOfFiles(data);
  });

  it("needs room for itself and something to spare", async () => {
    await expect(requireRoom(root, 1e15)).rejects.toThrow(/MiB free, .* MiB are needed/);
    await expect(requireRoom(root, 1)).resolves.toBeUndefined();
  });

  it("can be brought elsewhere, whole", async () => {
    await pair.step();
    await take();
    await moveBackup(join(root, "backup"), join(root, "elsewhere", "one"));
    expect(existsSync(join(root, "backup"))).toBe(false);
    expect(countIn(join(root, "elsewhere", "one"), "effect")).toBe(1);
    expect((await readManifest(join(root, "elsewhere", "one"))).files).toHaveLength(2);
  });

  it("is listed by the shop, which makes one at a time and drops what a dead one left", async () => {
    const folder = join(data, "backups");
    mkdirSync(join(folder, "20200101T000000000Z.partial"), { recursive: true });
    mkdirSync(join(folder, "mine"));
    const shelf = createShelf({ data, folder, clock });
    const begun = shelf.take();
    expect(begun).toMatchObject({ status: "RUNNING", bytes: null });
    expect(shelf.take()).toBeNull();
    await shelf.finished();
    expect(await shelf.list()).toMatchObject([{ id: begun?.id, status: "DONE", problem: null }]);
    expect(await createShelf({ data, folder, clock }).list()).toMatchObject([{ id: begun?.id, status: "DONE" }]);
    expect(readdirSync(folder).sort()).toEqual([begun?.id, "mine"]);
  });
});

describe("A restore", () => {
  let root: string;
  let backup: string;
  let target: string;
  beforeEach(async () => {
    root = temporaryFolder();
    const data = join(root, "data");
    [backup, target] = [join(root, "backup"), join(root, "target")];
    mkdirSync(data);
    mkdirSync(target);
    const pair = pairOfFiles(data);
    for (let n = 0; n < 20; n += 1) await pair.step();
    writeFileSync(join(data, "admin-credentials.json"), `{"email":"a@b.c","password":"p"}`);
    await takeBackup({ data, target: backup, clock });
    pair.close();
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });
  const restore = (options: { aside?: string; force?: boolean; from?: string } = {}) => {
    const { aside = "replaced", force = false, from = backup } = options;
    return restoreBackup({ backup: from, data: target, aside: join(target, aside), force });
  };
  const manifestIs = (change: (manifest: Record<string, unknown>) => object): void => {
    const path = join(backup, "manifest.json");
    const before = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify(change(before)));
  };
  function flip(path: string, position: number): void {
    const bytes = readFileSync(path);
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }

  it("brings back every file", async () => {
    await restore();
    expect(readdirSync(target).sort()).toEqual(["admin-credentials.json", "cause.sqlite", "effect.sqlite"]);
    expect(countIn(target, "effect")).toBe(20);
    expect(() => {
      requireRestored(target);
    }).not.toThrow();
  });

  const damages: readonly (readonly [string, () => void, RegExp])[] = [
    [
      "has no manifest",
      () => {
        rmSync(join(backup, "manifest.json"));
      },
      /is no backup/,
    ],
    [
      "has a manifest that is no JSON",
      () => {
        writeFileSync(join(backup, "manifest.json"), "{");
      },
      /is damaged/,
    ],
    [
      "lacks a file",
      () => {
        rmSync(join(backup, "effect.sqlite"));
      },
      /effect.sqlite is missing/,
    ],
    [
      "has a file cut short",
      () => {
        truncateSync(join(backup, "effect.sqlite"), 4_096);
      },
      /has 4096 bytes instead of/,
    ],
    [
      "has another bit",
      () => {
        flip(join(backup, "effect.sqlite"), 9_000);
      },
      /checksum differs/,
    ],
    [
      "comes from a newer release",
      () => {
        manifestIs(before => ({ ...before, format: 2 }));
      },
      /newer release \(format 2/,
    ],
    [
      "names files outside of it",
      () => {
        manifestIs(before => ({ ...before, files: [{ name: "../a.sqlite", bytes: 1, sha256: "0".repeat(64) }] }));
      },
      /is damaged/,
    ],
  ];
  it.each(damages)("of a backup that %s says so and changes nothing", async (_what, damage, message) => {
    damage();
    await expect(restore()).rejects.toThrow(message);
    expect(readdirSync(target)).toEqual([]);
  });

  it("leaves a shop's databases alone, or moves them aside when it is told to", async () => {
    const old = pairOfFiles(target);
    await old.step();
    old.close();
    writeFileSync(join(target, "effect.sqlite-wal"), "");
    await expect(restore()).rejects.toThrow("--force");
    expect(countIn(target, "effect")).toBe(1);
    await restore({ force: true });
    expect(countIn(target, "effect")).toBe(20);
    expect(countIn(join(target, "replaced"), "effect")).toBe(1);
    expect(readdirSync(target)).not.toContain("effect.sqlite-wal");
  });

  describe("over a shop that was killed while that was moved aside", () => {
    beforeEach(async () => {
      const old = pairOfFiles(target);
      await old.step();
      old.close();
      for (const name of ["restoring", "replaced-1"]) mkdirSync(join(target, name));
      for (const name of readdirSync(backup)) copyFileSync(join(backup, name), join(target, "restoring", name));
      renameSync(join(target, "cause.sqlite"), join(target, "replaced-1", "cause.sqlite"));
    });

    it("is finished by the same command, and all of the shop is kept", async () => {
      await restore({ aside: "replaced-2", force: true });
      expect([countIn(target, "cause"), countIn(target, "effect")]).toEqual([20, 20]);
      expect(readdirSync(join(target, "replaced-2"))).toEqual(["effect.sqlite"]);
      expect(countIn(join(target, "replaced-2"), "effect")).toBe(1);
      expect(readdirSync(target).filter(name => name.startsWith("restoring"))).toEqual([]);
    });

    it("gives way to another backup's, of which nothing is mixed with it", async () => {
      const [data, other] = [join(root, "later"), join(root, "other")];
      mkdirSync(data);
      const pair = pairOfFiles(data);
      for (let n = 0; n < 25; n += 1) await pair.step();
      pair.close();
      await takeBackup({ data, target: other, clock });
      await restore({ aside: "replaced-2", from: other });
      expect([countIn(target, "cause"), countIn(target, "effect")]).toEqual([25, 25]);
      expect(readdirSync(target)).not.toContain("admin-credentials.json");
      expect(countIn(join(target, "replaced-2"), "effect")).toBe(1);
      expect(countIn(join(target, "replaced-2-unfinished"), "effect")).toBe(20);
    });
  });

  it("that was interrupted leaves nothing that could be backed up", async () => {
    mkdirSync(join(target, "restoring"));
    const settings = { url: "", admin: testConfig.admin, data: target };
    const taking = backupEmbedded(settings, { folder: null, url: undefined, signal: AbortSignal.timeout(10_000) });
    await expect(taking).rejects.toThrow("was interrupted: run npm run restore again");
  });

  it("that was interrupted keeps a shop from starting until it is run again", async () => {
    const ready = join(target, "restoring");
    await restore();
    mkdirSync(ready);
    for (const name of ["effect.sqlite", "manifest.json"])
      writeFileSync(join(ready, name), readFileSync(join(backup, name)));
    rmSync(join(target, "effect.sqlite"));
    expect(() => {
      requireRestored(target);
    }).toThrow("was interrupted: run npm run restore again");
    await restore();
    expect(countIn(target, "effect")).toBe(20);
    expect(countIn(target, "cause")).toBe(20);
    expect(existsSync(ready)).toBe(false);
  });
});
