// What a backup says about itself: enough to refuse one that is not whole, not ours, or newer than this release.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { StartupError } from "../startup-error.ts";

export interface FileRecord {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  /** Of this layout. A release reads its own and older ones. */
  readonly format: number;
  readonly mode: "embedded";
  /** RFC 3339: the moment that the files show. */
  readonly takenAt: string;
  readonly files: readonly FileRecord[];
}

export const bytesOf = ({ files }: { readonly files: readonly { readonly bytes: number }[] }): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Sorts by time, and is a file name everywhere. */
export const backupName = (at: string): string => at.replaceAll(/[-:.]/g, "");

export const FORMAT = 1;
export const MANIFEST = "manifest.json";
/** Plain names only: a manifest comes from outside and must not lead out of its folder. */
const NAME = /^(?:[a-z][a-z-]*\.sqlite|admin-credentials\.json)$/;

const isFile = (file: unknown): file is FileRecord => {
  const { name, bytes, sha256 } = (file ?? {}) as Partial<FileRecord>;
  return (
    typeof name === "string" && NAME.test(name) && Number.isSafeInteger(bytes) && /^[0-9a-f]{64}$/.test(sha256 ?? "")
  );
};

function parsed(text: string): Partial<Manifest> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<Manifest>;
  } catch {
    return {};
  }
}

/** @throws StartupError saying what is wrong with the folder */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) throw new StartupError(`${folder} is no backup: it has no ${MANIFEST}`);
  const { format, mode, takenAt, files } = parsed(text);
  if (typeof format !== "number") throw new StartupError(`${path} is damaged: take another backup`);
  if (format > FORMAT)
    throw new StartupError(
      `${folder} was made by a newer release (format ${String(format)}, this one reads up to ${String(FORMAT)}): restore it with that one`,
    );
  if (mode !== "embedded" || typeof takenAt !== "string" || !Array.isArray(files) || !files.every(isFile))
    throw new StartupError(`${path} is damaged: take another backup`);
  return { format, mode, takenAt, files };
}

/** @throws StartupError naming the first file that is not there or has another length; the content is checked while it is copied. */
export async function checkFiles(folder: string, { files }: Manifest): Promise<void> {
  for (const { name, bytes } of files) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found === null) throw new StartupError(`${folder} is not whole: ${name} is missing`);
    if (found.size !== bytes)
      throw new StartupError(
        `${folder} is not whole: ${name} has ${String(found.size)} bytes instead of ${String(bytes)}`,
      );
  }
}
