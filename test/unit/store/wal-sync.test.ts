// What a commit waits for before it is answered.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { WalSync } from "../../../core/store/wal-sync.ts";

describe("The sync of the write-ahead log", () => {
  let folder: string;
  let syncs: ((error: Error | null) => void)[];
  let errors: Error[];
  let sync: WalSync;
  let answered: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comptoir-wal-"));
    writeFileSync(join(folder, "db-wal"), "");
    [syncs, errors, answered] = [[], [], []];
    const hold = (_descriptor: number, done: (error: Error | null) => void): void => void syncs.push(done);
    sync = new WalSync(join(folder, "db"), error => errors.push(error), hold);
  });
  afterEach(() => {
    sync.close();
    for (const done of syncs) done(null);
    rmSync(folder, { recursive: true });
  });

  const commit = (name: string): void => {
    sync.dirty();
    void sync.durable().then(
      () => answered.push(name),
      (error: unknown) => answered.push(`${name}: ${String(error)}`),
    );
  };
  /** The sync numbered from 1 ends. */
  async function end(number: number, error: Error | null = null): Promise<void> {
    syncs[number - 1]?.(error);
    await turn();
  }

  it("answers no commit before a sync that began after it has ended", async () => {
    commit("first");
    commit("second, while the sync of the first runs");
    await turn();
    expect([syncs.length, answered]).toEqual([1, []]);
    await end(1);
    expect([syncs.length, answered]).toEqual([2, ["first"]]);
    await end(2);
    expect(answered).toEqual(["first", "second, while the sync of the first runs"]);
  });

  it("lets many commits share one sync", async () => {
    commit("a");
    for (const name of ["b", "c", "d"]) commit(name);
    await end(1);
    await end(2);
    expect([syncs.length, answered.length]).toEqual([2, 4]);
  });

  it("answers at once when nothing was committed since", async () => {
    commit("a");
    await end(1);
    await sync.durable();
    expect(syncs).toHaveLength(1);
  });

  it("answers nobody with success once a sync failed, and says so", async () => {
    commit("a");
    commit("b");
    await end(1, new Error("EIO"));
    expect(answered).toEqual(["a: Error: EIO", "b: Error: EIO"]);
    expect(errors).toEqual([new Error("EIO")]);
  });

  it("lets those who wait go when the file was closed: SQLite has synced it", async () => {
    commit("a");
    sync.close();
    await end(1);
    expect([answered, errors]).toEqual([["a"], []]);
  });
});
