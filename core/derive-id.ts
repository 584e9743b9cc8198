import { createHash } from "node:crypto";

/** A stable id from what makes something the same thing: 128 bits of SHA-256, base64url (22 characters). */
export function deriveId(...parts: readonly string[]): string {
  // JSON keeps ["ab","c"] and ["a","bc"] apart.
  return createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16).toString("base64url");
}
