// The text of a file whose encoding nobody wrote down.
import { createReadStream } from "node:fs";

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

const MULTI_BYTE = /[\u0080-\uFFFC]/;
const REPLACEMENT = "\uFFFD";

function byMark([first, second]: Buffer): Encoding | null {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xef && second === 0xbb ? "utf-8" : null;
}

/**
 * A byte order mark decides. Without one the file is UTF-8, unless it has bytes that are not UTF-8 and no character
 * beyond ASCII that is: then it is Latin-1, read as windows-1252 as browsers do (WHATWG Encoding, "latin1").
 */
export async function detectEncoding(file: string): Promise<Encoding> {
  const decoder = new TextDecoder();
  let first = true;
  let broken = false;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const marked = first ? byMark(chunk) : null;
    if (marked !== null) return marked;
    first = false;
    const text = decoder.decode(chunk, { stream: true });
    if (MULTI_BYTE.test(text)) return "utf-8";
    broken ||= text.includes(REPLACEMENT);
  }
  broken ||= decoder.decode().includes(REPLACEMENT);
  return broken ? "windows-1252" : "utf-8";
}

/** Chunk by chunk, without the byte order mark; what cannot be decoded becomes U+FFFD. */
export async function* decoded(file: string, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

/** What a wrong encoding leaves behind: U+FFFD, and control characters other than tab and line ends. */
export const isGarbled = (text: string): boolean => text.includes(REPLACEMENT) || /[^\P{Cc}\t\r\n]/u.test(text);
