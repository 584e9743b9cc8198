// The file of a cluster's backup: what comes out is what went in, or it is refused.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { checkDump, DUMP_FORMAT, readDump, writeDump, type DumpLine } from "../../../core/backup/dump-file.ts";
import { temporaryFolder } from "../../../scripts/support/shop.ts";

const header = {
  comptoir: "backup",
  format: DUMP_FORMAT,
  namespace: "shop",
  takenAt: "2026-11-21T09:00:00.000Z",
} as const;
const lines: DumpLine[] = [
  { kind: "topic", topic: "order.v1", partitions: 6 },
  { kind: "document", place: "order/orders", body: `{"name":"line\u2028paragraph\u2029\\n\\r€😀"}` },
  ...Array.from({ length: 500 }, (_, n): DumpLine => ({
    kind: "message",
    topic: "order.v1",
    partition: n % 6,
    body: `{"n":${String(n)}}`,
  })),
  { kind: "group", group: "billing", topic: "order.v1", partition: 3, done: 42 },
];

describe("A cluster's backup file", () => {
  let folder: string;
  let path: string;
  const { signal } = new AbortController();
  beforeEach(async () => {
    folder = temporaryFolder();
    path = join(folder, "backup.comptoir.gz");
    await writeDump(path, header, lines, signal);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  function rewrite(change: (text: string) => string): void {
    writeFileSync(path, gzipSync(change(gunzipSync(readFileSync(path)).toString())));
  }

  it("gives back every line, whatever characters are in it", async () => {
    expect(await checkDump(path)).toEqual(header);
    const read: DumpLine[] = [];
    for await (const line of readDump(path)) read.push(line);
    expect(read).toEqual(lines);
    expect(readdirSync(folder)).toEqual(["backup.comptoir.gz"]);
  });

  it("is written once, and not at all when it is given up", async () => {
    await expect(writeDump(path, header, lines, signal)).rejects.toThrow("exists already");
    const other = join(folder, "other.comptoir.gz");
    await expect(writeDump(other, header, lines, AbortSignal.abort())).rejects.toThrow("abort");
    expect(readdirSync(folder)).toEqual(["backup.comptoir.gz"]);
  });

  it.each<readonly [string, (text: string) => string, string]>([
    ["lacks its end", text => text.slice(0, text.lastIndexOf(`{"kind":"end"`)), "its end is missing"],
    ["lacks a line", text => text.replace(/.*"n\\":7\}.*\n/, ""), "its checksum differs"],
    ["has another digit", text => text.replace(`"done":42`, `"done":43`), "its checksum differs"],
    ["is of another kind", () => `{"hello":1}\n`, "is no backup"],
    ["is of a newer release", text => text.replace(`"format":1`, `"format":2`), "newer release (format 2"],
  ])("that %s is refused", async (_what, change, message) => {
    rewrite(change);
    await expect(checkDump(path)).rejects.toThrow(message);
  });

  it("that is cut short, is no archive, or is not there is refused", async () => {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 20));
    await expect(checkDump(path)).rejects.toThrow("is not whole");
    writeFileSync(path, "text");
    await expect(checkDump(path)).rejects.toThrow("is not whole");
    await expect(checkDump(join(folder, "nothing"))).rejects.toThrow("is not there");
  });
});
