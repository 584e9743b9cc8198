// Copying files so that a copy is whole, on disk and known by its checksum.
import { createHash } from "node:crypto";
import { createWriteStream, read } from "node:fs";
import { open, statfs } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
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

const readInto = promisify(read);

/** No read stream: when it is destroyed it closes a descriptor that is not its own, whatever `autoClose` says. */
async function* chunksOf(descriptor: number, bytes: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < bytes;) {
    const wanted = Math.min(CHUNK, bytes - position);
    const { bytesRead, buffer } = await readInto(descriptor, Buffer.allocUnsafe(wanted), 0, wanted, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

async function copyFrom(descriptor: number, bytes: number, target: string, signal?: AbortSignal): Promise<FileRecord> {
  const hash = createHash("sha256");
  let copied = 0;
  await pipeline(
    chunksOf(descriptor, bytes),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        copied += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(target, { flags: "wx", mode: 0o600, flush: true }),
    ...(signal === undefined ? [] : [{ signal }]),
  );
  return { name: basename(target), bytes: copied, sha256: hash.digest("hex") };
}

/** On disk when it resolves, readable for its user only. @throws when the target is there already */
export async function copyFile(source: Source, target: string, signal?: AbortSignal): Promise<FileRecord> {
  if (source.descriptor !== undefined) return copyFrom(source.descriptor, source.bytes, target, signal);
  const handle = await open(source.path, "r");
  try {
    return await copyFrom(handle.fd, source.bytes, target, signal);
  } finally {
    await handle.close();
  }
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
