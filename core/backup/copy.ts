// Copying files so that a copy is whole, on disk and known by its checksum.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, statfs } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StartupError } from "../startup-error.ts";
import type { FileRecord } from "./manifest.ts";

/** Hashing this much takes well under a millisecond: nothing else of the process waits longer. */
const CHUNK = 256 * 1024;
/** Stays free beside a copy: a shop whose disk is full stops. */
const SPARE_BYTES = 64 * 1024 * 1024;

export interface Source {
  readonly path: string;
  readonly bytes: number;
  /** Read through this one instead of opening the path; it stays open. */
  readonly descriptor?: number;
}

function streamOf({ path, bytes, descriptor }: Source): Readable {
  if (bytes === 0) return Readable.from([]);
  const range = { start: 0, end: bytes - 1, highWaterMark: CHUNK };
  return createReadStream(path, descriptor === undefined ? range : { ...range, fd: descriptor, autoClose: false });
}

/** On disk when it resolves, readable for its user only. @throws when the target is there already */
export async function copyFile(source: Source, target: string, signal?: AbortSignal): Promise<FileRecord> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(
    streamOf(source),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(target, { flags: "wx", mode: 0o600, flush: true }),
    ...(signal === undefined ? [] : [{ signal }]),
  );
  return { name: basename(target), bytes, sha256: hash.digest("hex") };
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws StartupError when the disk of the folder has no room for so much */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = bytes + SPARE_BYTES;
  if (bavail * bsize >= needed) return;
  const mib = (size: number): string => `${String(Math.ceil(size / 1024 / 1024))} MiB`;
  throw new StartupError(`${folder} has ${mib(bavail * bsize)} free, ${mib(needed)} are needed: nothing was copied`);
}
