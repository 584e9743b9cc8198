// What only SQLite promises: damage and a full disk end the process, new indexes reach old documents, kill -9 loses nothing.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { write, type CollectionSpec } from "../../core/store/port.ts";
import { createDatabase } from "../../core/store/database.ts";
import { createSqliteDriver } from "../../core/store/sqlite-driver.ts";
import { createSqliteFile, DamagedFileError } from "../../core/store/sqlite-file.ts";
import { systemClock as clock, systemRandom as random } from "../../core/system.ts";

interface Thing {
  readonly size: number;
  readonly text: string;
}
const things: CollectionSpec<Thing> = { name: "thing", aggregate: "thing", indexes: [], schemaVersion: 1 };

describe("A SQLite file", () => {
  let folder: string;
  let path: string;
  let fatal: Error[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comptoir-sqlite-"));
    path = join(folder, "thing.sqlite");
    fatal = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function open(spec = things) {
    const file = createSqliteFile(path, { clock, durability: "full", onFatal: error => void fatal.push(error) });
    const database = createDatabase(each => createSqliteDriver(each, file), { clock, random, outboxBound: 1_000_000 });
    const store = database.collection(spec);
    file.open();
    return { file, store };
  }
  const put = (store: ReturnType<typeof open>["store"], id: string, size: number, text = "") =>
    store.update(id, () => write({ size, text }, [], null));

  it("that is damaged is refused with its name", async () => {
    const { file, store } = open();
    for (let size = 0; size < 200; size += 1) await put(store, `d${String(size)}`, size, "x".repeat(200));
    file.close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 8_192, 24_576);
    writeFileSync(path, bytes);
    expect(() => open()).toThrow(DamagedFileError);
    expect(() => open()).toThrow(path);
    writeFileSync(path, "no database at all, but text that is long enough to be looked at");
    expect(() => open()).toThrow(path);
  });

  it("that cannot grow ends the process with one line, and no write is told done", async () => {
    const { file, store } = open();
    file.onOpen(database => {
      database.exec("pragma max_page_count = 30");
    });
    const texts = Array.from({ length: 60 }, (_, index) => put(store, `d${String(index)}`, index, "x".repeat(4_000)));
    const results = await Promise.allSettled(texts);
    expect(results.every(({ status }) => status === "rejected")).toBe(true);
    expect(fatal.map(({ message }) => message)).toEqual([`The database ${path} cannot grow: the disk is full`]);
    file.close();
  });

  it("that has no room from the start says so, not that it is damaged", () => {
    const file = createSqliteFile(path, { clock, durability: "full", onFatal: error => void fatal.push(error) });
    file.onOpen(database => {
      database.exec("pragma max_page_count = 1; create table t (a text)");
    });
    expect(() => {
      file.open();
    }).toThrow(`The database ${path} cannot grow: the disk is full`);
    expect(fatal).toEqual([]);
  });

  it("gives documents of an older release the indexes of this one, and drops those it no longer declares", async () => {
    const old = open({ ...things, indexes: [{ on: ["text"], unique: true }] });
    await put(old.store, "a", 2, "x");
    await put(old.store, "b", 1, "y");
    old.file.close();
    const { file, store } = open({ ...things, indexes: [{ on: ["size"] }] });
    const { items } = await store.list({ where: { size: { gte: 1 } }, orderBy: "size", limit: 9 });
    expect(items.map(({ id }) => id)).toEqual(["b", "a"]);
    await put(store, "c", 3, "x");
    file.close();
  });

  it("loses no acknowledged write of a process that is killed", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../support/acknowledging-writer.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 5_000) child.kill("SIGKILL");
    }
    expect(acknowledged.length).toBeLessThan(10_000);
    const { file, store } = open();
    const found = new Set((await store.loadMany(acknowledged)).map(({ id }) => id));
    expect(acknowledged.filter(id => !found.has(id))).toEqual([]);
    const events = await store.pending(20_000);
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(events.length);
    expect(events.length).toBeGreaterThanOrEqual(acknowledged.length);
    file.close();
  });
});
