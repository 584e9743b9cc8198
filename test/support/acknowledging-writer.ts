// A process to be killed: makes 10,000 documents, each with an event, and prints an id once its write is acknowledged.
import { writeSync } from "node:fs";
import { createDatabase } from "../../core/store/database.ts";
import { write, type CollectionSpec } from "../../core/store/port.ts";
import { createSqliteDriver } from "../../core/store/sqlite-driver.ts";
import { createSqliteFile } from "../../core/store/sqlite-file.ts";
import { systemClock as clock, systemRandom as random } from "../../core/system.ts";

const onFatal = (error: Error): never => {
  throw error;
};
const file = createSqliteFile(process.argv[2] ?? "", { clock, durability: "full", onFatal });
const database = createDatabase(spec => createSqliteDriver(spec, file), { clock, random, outboxBound: 1_000_000 });
const spec: CollectionSpec<{ size: number; text: string }> = {
  name: "thing",
  aggregate: "thing",
  indexes: [],
  schemaVersion: 1,
};
const store = database.collection(spec);
file.open();

const low = { type: "stock.low.v1", data: { sku: "A", onHand: 0, reserved: 0, allocated: 0, available: 0 } } as const;
let made = 0;
async function writer(): Promise<void> {
  while (made < 10_000) {
    const id = `d${String((made += 1))}`;
    await store.update(id, () => write({ size: made, text: "x".repeat(100) }, [low], null));
    writeSync(1, `${id}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, writer));
