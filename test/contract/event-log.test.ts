import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Feed } from "../../services/bridge/feed.ts";
import { localLog } from "../../services/bridge/local-log.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryLogDisk, memoryLog } from "../support/memory-log.ts";
import { event, eventLogContract } from "./event-log.contract.ts";

const failOnFatal = (error: Error): void => {
  throw error;
};

function sqlitePlace() {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-log-"));
  const file = join(folder, "bridge.sqlite");
  const open = (clock: ManualClock) =>
    localLog(file, { clock, durability: "full", shared: true, onFatal: failOnFatal });
  const remove = () => {
    rmSync(folder, { recursive: true });
  };
  return { file, open, remove };
}

eventLogContract("SQLite", sqlitePlace);
eventLogContract("in-memory", () => {
  const disk = createMemoryLogDisk();
  return { open: clock => memoryLog(disk, clock), remove: () => undefined };
});

describe("A log that is one sequence", () => {
  it("keeps each batch together when many are appended at once", async () => {
    const place = sqlitePlace();
    const log = place.open(createManualClock());
    const batches = ["a", "b", "c"].map(subject => [1, 2, 3, 4, 5].map(sequence => event(subject, sequence)));
    await Promise.all(batches.map(batch => log.append(batch)));
    const feeds: Feed[] = [];
    log.subscribe("billing", ["order.placed.v1"], {
      opened: feed => feeds.push(feed),
      grew: () => undefined,
      closed: () => undefined,
    });
    const reading = await feeds[0]?.read(0, ["order.placed.v1"], 100);
    expect(reading?.entries.map(entry => entry.event.id)).toEqual(batches.flat().map(({ id }) => id));
    await log.close();
    place.remove();
  });
});

describe("The SQLite event log's file", () => {
  let place: ReturnType<typeof sqlitePlace>;
  beforeEach(() => {
    place = sqlitePlace();
  });
  afterEach(() => {
    place.remove();
  });

  it.each(["DELETE FROM log", "UPDATE log SET event = '{}'"])("refuses: %s", async statement => {
    const log = place.open(createManualClock());
    await log.append([event("a", 1)]);
    await log.close();
    const database = new DatabaseSync(place.file);
    expect(() => {
      database.exec(statement);
    }).toThrow("only appended to");
    database.close();
  });

  it("is refused with its name when it is damaged", async () => {
    const clock = createManualClock();
    const log = place.open(clock);
    await log.append(Array.from({ length: 500 }, (_, index) => event("a", index + 1)));
    await log.close();
    const bytes = readFileSync(place.file);
    writeFileSync(place.file, bytes.fill(0x5a, 4_096, 40_000));
    expect(() => place.open(clock)).toThrow(/The database .*bridge\.sqlite is damaged/);
  });
});
