// A backup of a cluster as one file: JSON lines, compressed, the last of them with the checksum of all others.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { StartupError } from "../startup-error.ts";
import { syncFolder } from "./copy.ts";
import { UNFINISHED } from "./take.ts";

export const DUMP_FORMAT = 1;

export interface DumpHeader {
  readonly comptoir: "backup";
  readonly format: number;
  readonly namespace: string;
  readonly takenAt: string;
}

export type DumpLine =
  | { readonly kind: "document"; readonly place: string; readonly body: string }
  | { readonly kind: "topic"; readonly topic: string; readonly partitions: number }
  | { readonly kind: "message"; readonly topic: string; readonly partition: number; readonly body: string }
  /** How many of the partition's messages the group has behind it. */
  | {
      readonly kind: "group";
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly done: number;
    };

interface End {
  readonly kind: "end";
  readonly lines: number;
  readonly sha256: string;
}

/** Node's line reader ends lines at these too, and JSON lets them stand. */
const inOneLine = (json: string): string => json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

function* withEnd(header: DumpHeader, lines: Iterable<DumpLine>): Generator<string> {
  const hash = createHash("sha256");
  let count = 0;
  const text = (line: object): string => {
    const written = `${inOneLine(JSON.stringify(line))}\n`;
    hash.update(written);
    count += 1;
    return written;
  };
  yield text(header);
  for (const line of lines) yield text(line);
  const end: End = { kind: "end", lines: count, sha256: hash.digest("hex") };
  yield `${JSON.stringify(end)}\n`;
}

/** Whole under its name, or not there. @returns its bytes */
export async function writeDump(
  path: string,
  header: DumpHeader,
  lines: Iterable<DumpLine>,
  signal: AbortSignal,
): Promise<number> {
  if (existsSync(path)) throw new StartupError(`${path} exists already: name another folder`);
  const partial = path + UNFINISHED;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(partial, { force: true });
  try {
    const file = createWriteStream(partial, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(Readable.from(withEnd(header, lines)), createGzip({ level: 6 }), file, { signal });
    await rename(partial, path);
    await syncFolder(dirname(path));
    return (await stat(path)).size;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function* textLines(path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  const unzipped = source.pipe(createGunzip());
  source.on("error", error => unzipped.destroy(error));
  for await (const line of createInterface({ input: unzipped, crlfDelay: Infinity })) yield line;
}

function headerIn(path: string, text: string): DumpHeader {
  const header = JSON.parse(text) as Partial<DumpHeader>;
  const { comptoir, format = 0, namespace, takenAt } = header;
  if (comptoir !== "backup") throw new StartupError(`${path} is no backup`);
  if (format > DUMP_FORMAT)
    throw new StartupError(
      `${path} was made by a newer release (format ${String(format)}, this one reads up to ${String(DUMP_FORMAT)}): restore it with that one`,
    );
  if (typeof namespace !== "string" || typeof takenAt !== "string") throw new StartupError(`${path} is damaged`);
  return { comptoir, format, namespace, takenAt };
}

/** Reads all of it. @throws StartupError when it is no backup, not whole, changed, or newer than this release */
export async function checkDump(path: string): Promise<DumpHeader> {
  if (!existsSync(path)) throw new StartupError(`${path} is not there`);
  const hash = createHash("sha256");
  let [header, end, lines]: [DumpHeader | null, Partial<End> | null, number] = [null, null, 0];
  try {
    for await (const text of textLines(path)) {
      if (text.startsWith(`{"kind":"end"`)) {
        end = JSON.parse(text) as Partial<End>;
        continue;
      }
      header ??= headerIn(path, text);
      hash.update(`${text}\n`);
      lines += 1;
    }
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(`${path} is not whole: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (header === null || end === null) throw new StartupError(`${path} is not whole: its end is missing`);
  if (end.lines !== lines || end.sha256 !== hash.digest("hex"))
    throw new StartupError(`${path} is not what was backed up: its checksum differs`);
  return header;
}

/** Of a file that was checked. */
export async function* readDump(path: string): AsyncGenerator<DumpLine> {
  for await (const text of textLines(path)) {
    const line = JSON.parse(text) as DumpLine | End | DumpHeader;
    if ("kind" in line && line.kind !== "end") yield line;
  }
}
